package dev.aerie.gang;

/**
 * The gang as one of its ranks sees it. Used by the rank's thread.
 *
 * @param <M> type of the ranks' reports
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

    /** Announces the start of a step: later errors of this rank name it, and the driver notices that the rank is alive. */
    public void step(long step) {
        reports.begin(step);
    }

    /** Sends a report to the driver's {@link GangObserver}, at once and in order. */
    public void report(M report) {
        reports.report(codec.encode(report));
    }
}
