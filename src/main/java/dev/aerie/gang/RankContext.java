package dev.aerie.gang;

import dev.aerie.torch.Device;

/** What a rank knows of its gang. Used by the rank's own thread. */
public final class RankContext {

    private final Collective collective;
    private final int attempt;
    private final Device device;
    private final RankReports reports;

    RankContext(Collective collective, int attempt, Device device, RankReports reports) {
        this.collective = collective;
        this.attempt = attempt;
        this.device = device;
        this.reports = reports;
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

    /** 1 for the first time the gang was started. */
    public int attempt() {
        return attempt;
    }

    /** The CUDA device whose address Spark gave this task; the CPU where there is none. */
    public Device device() {
        return device;
    }

    /** Says that a step begins: errors of this rank name it from now on, and the driver knows that the rank is alive. */
    public void step(long step) {
        reports.step(step);
    }

    /** Sends a line to the driver's {@link GangObserver}, at once and in order. */
    public void report(String line) {
        reports.line(line);
    }
}
