package dev.aerie.gang;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/**
 * Sends to the next rank and receives from the previous one at the same time, on one thread. One after the other would deadlock
 * as soon as a message is larger than the socket buffers, because every rank would be sending.
 */
final class Duplex implements AutoCloseable {

    /** Names the neighbour with which an exchange failed. */
    static final class PeerException extends IOException {
        final boolean next;

        PeerException(boolean next, IOException cause) {
            super(RingLinks.reason(cause), cause);
            this.next = next;
        }
    }

    private final SocketChannel previous;
    private final SocketChannel next;
    private final Selector selector;
    private final SelectionKey readable;
    private final SelectionKey writable;

    Duplex(SocketChannel previous, SocketChannel next) throws IOException {
        this.previous = previous;
        this.next = next;
        selector = Selector.open();
        readable = previous.register(selector, 0);
        writable = next.register(selector, 0);
    }

    /** Returns when the operating system has taken {@code out} and {@code in} is full. */
    void exchange(ByteBuffer out, ByteBuffer in, Deadline deadline) throws IOException {
        while (out.hasRemaining() || in.hasRemaining()) {
            boolean moved = send(out) | receive(in);
            if (!moved) {
                await(out.hasRemaining(), in.hasRemaining(), deadline);
            }
        }
    }

    private boolean send(ByteBuffer out) throws IOException {
        try {
            return out.hasRemaining() && next.write(out) > 0;
        } catch (IOException e) {
            throw new PeerException(true, e);
        }
    }

    private boolean receive(ByteBuffer in) throws IOException {
        try {
            int n = in.hasRemaining() ? previous.read(in) : 0;
            if (n < 0) {
                throw new EOFException("it closed the connection");
            }
            return n > 0;
        } catch (IOException e) {
            throw new PeerException(false, e);
        }
    }

    private void await(boolean sending, boolean receiving, Deadline deadline) throws IOException {
        if (deadline.passed()) {
            // The peer that does not send is late; one that does not receive only waits for it.
            throw new PeerException(!receiving, new SocketTimeoutException("nothing came for " + deadline));
        }
        try {
            readable.interestOps(receiving ? SelectionKey.OP_READ : 0);
            writable.interestOps(sending ? SelectionKey.OP_WRITE : 0);
            selector.select(deadline.remainingMillis());
            selector.selectedKeys().clear();
        } catch (ClosedSelectorException | java.nio.channels.CancelledKeyException e) {
            throw new IOException("the connections were closed by this rank", e);
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new IOException("this rank was interrupted");
        }
    }

    @Override
    public void close() {
        RingLinks.closeQuietly(previous);
        RingLinks.closeQuietly(next);
        RingLinks.closeQuietly(selector);
    }
}
