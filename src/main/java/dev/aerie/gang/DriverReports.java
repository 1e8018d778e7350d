package dev.aerie.gang;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives the reports of running ranks: one TCP connection from each, which proves the stage's secret.
 *
 * <p>Spark's own ways to the driver do not suffice: accumulators arrive only when a task ends, and plugin messages need a plugin
 * that was configured before the context started. A connection works in every kind of cluster, and its end shows at once that the
 * process of a rank is gone.
 */
final class DriverReports<M> implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DriverReports.class);
    private static final Duration HANDSHAKE = Duration.ofSeconds(20);

    /** The driver's address for the ranks; part of the task. */
    record Address(String host, int port, Secret secret) implements Serializable {}

    private final ReportCodec<M> codec;
    private final GangObserver<M> observer;
    private final Address address;
    private final ServerSocketChannel server;
    private final ExecutorService threads;
    private final List<RankFailure> failures = new CopyOnWriteArrayList<>();
    private volatile long lastHeard;
    private volatile boolean closed;

    /**
     * @param bind local address to listen on
     * @param advertised address by which executors reach this driver
     */
    DriverReports(String bind, String advertised, ListenPorts ports, ReportCodec<M> codec, GangObserver<M> observer)
            throws IOException {
        this.codec = codec;
        this.observer = observer;
        this.server = ports.listen(bind);
        address = new Address(advertised, ((InetSocketAddress) server.getLocalAddress()).getPort(), Secret.random());
        threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "aerie-gang-reports");
            thread.setDaemon(true);
            return thread;
        });
        threads.execute(this::accept);
    }

    Address address() {
        return address;
    }

    /** Returns the time since the last message of any rank; zero before the first. */
    Duration silence() {
        return lastHeard == 0 ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - lastHeard);
    }

    /** Returns the failure that caused the others, if a rank failed. */
    Optional<RankFailure> failure() {
        return failures.stream().min(Comparator.comparing(RankFailure::kind));
    }

    private void accept() {
        while (!closed) {
            try {
                SocketChannel channel = server.accept();
                threads.execute(() -> follow(channel));
            } catch (IOException | RuntimeException e) {
                if (!closed) {
                    LOG.warn("The driver cannot accept connections of ranks", e);
                    return;
                }
            }
        }
    }

    private void follow(SocketChannel channel) {
        int rank;
        try {
            channel.socket().setKeepAlive(true);
            rank = Integer.parseInt(address.secret().acceptHandshake(channel, Deadline.in(HANDSHAKE)));
            // A rank may be silent for as long as Gang allows; Gang checks that.
            channel.socket().setSoTimeout(0);
        } catch (IOException | RuntimeException e) {
            LOG.warn("The driver turned away a connection: {}", RingLinks.reason(e));
            RingLinks.closeQuietly(channel);
            return;
        }
        long step = -1;
        try (channel; DataInputStream in = new DataInputStream(new BufferedInputStream(channel.socket().getInputStream()))) {
            while (true) {
                lastHeard = System.nanoTime();
                RankMessage message = RankMessage.read(in);
                if (message instanceof RankMessage.StepBegun begun) {
                    step = begun.step();
                } else if (message instanceof RankMessage.Report report) {
                    tell(rank, step, report);
                } else if (message instanceof RankMessage.Failed failed) {
                    failures.add(failed.failure());
                    return;
                } else {
                    return;
                }
            }
        } catch (IOException e) {
            if (!closed) {
                failures.add(RankFailure.lost(rank, step));
            }
        }
    }

    private synchronized void tell(int rank, long step, RankMessage.Report report) {
        try {
            observer.reported(rank, step, codec.decode(report.report()));
        } catch (RuntimeException e) {
            // An observer that fails must not end the training.
            LOG.warn("A report of rank {} at step {} could not be shown", rank, step, e);
        }
    }

    @Override
    public void close() {
        closed = true;
        RingLinks.closeQuietly(server);
        threads.shutdownNow();
    }
}
