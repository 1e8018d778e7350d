package dev.aerie.gang;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Sends and receives short length-prefixed messages over a channel in blocking mode, until a deadline. */
final class Wire {

    private final SocketChannel channel;
    private final Deadline deadline;
    private final DataInputStream in;
    private final OutputStream out;

    Wire(SocketChannel channel, Deadline deadline) throws IOException {
        this.channel = channel;
        this.deadline = deadline;
        // The socket's stream, because the channel's does not obey the socket's time limit.
        this.in = new DataInputStream(channel.socket().getInputStream());
        this.out = channel.socket().getOutputStream();
    }

    /** Messages are far shorter than a socket buffer, so writing does not block. */
    void write(byte[] message) throws IOException {
        out.write(ByteBuffer.allocate(4 + message.length).putInt(message.length).put(message).array());
        out.flush();
    }

    /** @param limit largest number of bytes in the message: its length comes from a peer that is not authenticated yet */
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
