package dev.aerie.gang;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Short length-prefixed messages over a channel in blocking mode, until a deadline. */
final class Wire {

    private final SocketChannel channel;
    private final Deadline deadline;
    private final DataInputStream in;
    private final OutputStream out;

    Wire(SocketChannel channel, Deadline deadline) throws IOException {
        this.channel = channel;
        this.deadline = deadline;
        // The socket's stream, not the channel's: only it gives up when the time limit of the socket passes.
        this.in = new DataInputStream(channel.socket().getInputStream());
        this.out = channel.socket().getOutputStream();
    }

    /** Far shorter than a socket buffer, so that writing does not wait. */
    void write(byte[] message) throws IOException {
        out.write(ByteBuffer.allocate(4 + message.length).putInt(message.length).put(message).array());
        out.flush();
    }

    /** @param limit bytes that the message may have at most: its length comes from a peer not known yet */
    byte[] read(int limit) throws IOException {
        if (deadline.passed()) {
            throw new SocketTimeoutException("no answer within " + deadline);
        }
        channel.socket().setSoTimeout(deadline.remainingMillis());
        int length = in.readInt();
        if (length < 0 || length > limit) {
            throw new SecretException("it does not speak the gang's protocol");
        }
        byte[] message = in.readNBytes(length);
        if (message.length < length) {
            throw new EOFException("it closed the connection");
        }
        return message;
    }
}
