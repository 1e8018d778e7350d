package dev.aerie.gang;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates a rank's two connections of the ring: to the next rank and from the previous one.
 *
 * <p>A rank listens first ({@link #listen}), then publishes its address, then connects, so no rank connects too early.
 */
final class RingLinks implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RingLinks.class);

    /** A connection whose handshake takes longer is dropped, so that a foreign process cannot block the ring. */
    private static final Duration HANDSHAKE = Duration.ofSeconds(20);

    private final int rank;
    private final Secret secret;
    private final ServerSocketChannel server;

    private RingLinks(int rank, Secret secret, ServerSocketChannel server) {
        this.rank = rank;
        this.secret = secret;
        this.server = server;
    }

    /** @param host this machine's address for the other ranks */
    static RingLinks listen(int rank, String host, ListenPorts ports, Secret secret) throws IOException {
        try {
            return new RingLinks(rank, secret, ports.listen(host));
        } catch (IOException | RuntimeException e) {
            throw new IOException("Rank " + rank + " cannot listen on its host " + host + ": " + e.getMessage(), e);
        }
    }

    int port() throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    /**
     * @param addresses {@code host:port} of every rank, in order
     * @param within time limit for every rank to connect
     * @param collectiveLimit time limit of one collective
     * @throws CollectiveException naming the neighbour that did not connect or did not prove the secret
     */
    RingCollective connect(List<String> addresses, Duration within, Duration collectiveLimit) {
        Deadline deadline = Deadline.in(within);
        int size = addresses.size();
        int before = (rank + size - 1) % size;
        int after = (rank + 1) % size;
        FutureTask<SocketChannel> accepting = new FutureTask<>(() -> accept(before, deadline));
        Thread acceptor = new Thread(accepting, "aerie-ring-accept-" + rank);
        acceptor.setDaemon(true);
        acceptor.start();
        SocketChannel next = null;
        try {
            next = connectTo(after, addresses.get(after), deadline);
            SocketChannel previous = accepting.get(deadline.remainingMillis(), TimeUnit.MILLISECONDS);
            return new RingCollective(rank, size, previous, next, addresses, collectiveLimit);
        } catch (ExecutionException | TimeoutException e) {
            closeQuietly(next);
            throw new CollectiveException("Rank " + rank + " waited " + deadline + " for rank " + before + " ("
                    + addresses.get(before) + ") to connect", e);
        } catch (InterruptedException e) {
            closeQuietly(next);
            Thread.currentThread().interrupt();
            throw new CollectiveException("Rank " + rank + " was interrupted while the ring was connected", e);
        } catch (IOException e) {
            closeQuietly(next);
            throw new CollectiveException("Rank " + rank + " cannot use its connections", e);
        } finally {
            close();
        }
    }

    private SocketChannel connectTo(int peer, String address, Deadline deadline) {
        int colon = address.lastIndexOf(':');
        SocketChannel channel = null;
        try {
            channel = SocketChannel.open();
            // The socket's connect, because the channel's has no time limit.
            channel.socket().connect(
                    new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))),
                    deadline.remainingMillis());
            secret.initiateHandshake(channel, String.valueOf(rank), deadline);
            return prepared(channel);
        } catch (IOException | RuntimeException e) {
            closeQuietly(channel);
            throw new CollectiveException(
                    "Rank " + rank + " cannot connect to rank " + peer + " (" + address + "): " + reason(e), e);
        }
    }

    /** Accepts connections until the expected rank has connected; a peer that does not prove the secret is disconnected. */
    private SocketChannel accept(int expected, Deadline deadline) throws IOException {
        while (!deadline.passed()) {
            SocketChannel channel = server.accept();
            try {
                String name = secret.acceptHandshake(channel, Deadline.in(HANDSHAKE));
                if (name.equals(String.valueOf(expected))) {
                    return prepared(channel);
                }
                LOG.warn("Rank {} refused rank {}: it waits for rank {}", rank, name, expected);
            } catch (IOException e) {
                LOG.warn("Rank {} refused a connection from {}: {}", rank, channel.getRemoteAddress(), reason(e));
            }
            closeQuietly(channel);
        }
        throw new IOException("no time left");
    }

    private static SocketChannel prepared(SocketChannel channel) throws IOException {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        channel.configureBlocking(false);
        return channel;
    }

    static String reason(Throwable e) {
        return e instanceof AsynchronousCloseException || e.getMessage() == null
                ? e.getClass().getSimpleName()
                : e.getMessage();
    }

    static void closeQuietly(AutoCloseable resource) {
        try {
            if (resource != null) {
                resource.close();
            }
        } catch (Exception e) {
            LOG.debug("Closing failed", e);
        }
    }

    /** Stops listening; established connections stay open. */
    @Override
    public void close() {
        closeQuietly(server);
    }
}
