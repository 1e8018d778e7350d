package dev.aerie.gang;

/**
 * What a rank knows of its gang. Used by the rank's own thread.
 *
 * @param <M> what the ranks report
 */
public final class RankContext<M> {

    private final Collective collective;
    private final RankReports reports;
    private final ReportCodec<M> codec;

    RankContext(Collective collective, RankReports reports, ReportCodec<M> codec) {
        this.collective = collective;
        this.reports = reports;
        this.codec = codec;
    }

    public Collective collective() {
        return collective;
    }

    public int rank() {
        return collective.rank();
    }

    public int size() {
        return collective.size();
    }

    /** Says that a step begins: errors of this rank name it from now on, and the driver knows that the rank is alive. */
    public void step(long step) {
        reports.begin(step);
    }

    /** Sends a report to the driver's {@link GangObserver}, at once and in order. */
    public void report(M report) {
        reports.report(codec.encode(report));
    }
}
