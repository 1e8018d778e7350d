package dev.aerie.gang;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** The rank's end of its connection to the driver ({@link DriverReports}). */
final class RankReports implements AutoCloseable {

    private final int rank;
    private final SocketChannel channel;
    private final DataOutputStream out;
    private long step = -1;

    private RankReports(int rank, SocketChannel channel) throws IOException {
        this.rank = rank;
        this.channel = channel;
        this.out = new DataOutputStream(new BufferedOutputStream(channel.socket().getOutputStream()));
    }

    static RankReports connect(DriverReports.Address driver, int rank, Duration within) {
        Deadline deadline = Deadline.in(within);
        SocketChannel channel = null;
        try {
            channel = SocketChannel.open();
            channel.socket().setTcpNoDelay(true);
            channel.socket().connect(new InetSocketAddress(driver.host(), driver.port()), deadline.remainingMillis());
            driver.secret().initiateHandshake(channel, String.valueOf(rank), deadline);
            return new RankReports(rank, channel);
        } catch (IOException | RuntimeException e) {
            RingLinks.closeQuietly(channel);
            throw new CollectiveException("Rank " + rank + " cannot connect to the driver (" + driver.host() + ":"
                    + driver.port() + "): " + RingLinks.reason(e), e);
        }
    }

    void begin(long now) {
        step = now;
        send(new RankMessage.StepBegun(now));
    }

    void report(byte[] report) {
        send(new RankMessage.Report(report));
    }

    void done() {
        send(new RankMessage.Done());
    }

    /** Reports the failure to the driver and returns it with its rank and step. */
    RankFailure fail(Throwable cause) {
        RankFailure failure = RankFailure.of(rank, step, cause);
        // A channel closes when an interrupted thread writes to it, and the driver would think that this rank had died.
        boolean interrupted = Thread.interrupted();
        try {
            send(new RankMessage.Failed(failure));
        } catch (RuntimeException driverGone) {
            failure.addSuppressed(driverGone);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return failure;
    }

    private void send(RankMessage message) {
        try {
            RankMessage.write(message, out);
        } catch (IOException e) {
            throw new CollectiveException("Rank " + rank + " lost the driver: " + RingLinks.reason(e), e);
        }
    }

    @Override
    public void close() {
        RingLinks.closeQuietly(channel);
    }
}
