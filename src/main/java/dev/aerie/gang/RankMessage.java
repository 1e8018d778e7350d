package dev.aerie.gang;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What a rank tells the driver.
 *
 * <p>On the wire: a byte for the type, then the fields in order; a long is 8 bytes, an array or a text in UTF-8 is its length in
 * 4 bytes and its bytes.
 */
sealed interface RankMessage {

    /** What {@link RankContext#report} was given, as the gang's {@link ReportCodec} writes it. */
    record Report(byte[] report) implements RankMessage {}

    /** A step begins; what the rank says from now on belongs to it. */
    record StepBegun(long step) implements RankMessage {}

    /** The rank has failed; the last message of a connection. */
    record Failed(RankFailure failure) implements RankMessage {}

    /** The rank has done its work; the last message of a connection. */
    record Done() implements RankMessage {}

    /** Longer than any report; more is a sign that the two ends are out of step. */
    int LONGEST = 1 << 24;

    static void write(RankMessage message, DataOutputStream out) throws IOException {
        if (message instanceof StepBegun begun) {
            out.writeByte(1);
            out.writeLong(begun.step());
        } else if (message instanceof Report report) {
            out.writeByte(2);
            writeBytes(report.report(), out);
        } else if (message instanceof Failed failed) {
            out.writeByte(3);
            out.writeByte(failed.failure().kind().ordinal());
            writeBytes(failed.failure().getMessage().getBytes(StandardCharsets.UTF_8), out);
        } else if (message instanceof Done) {
            out.writeByte(4);
        } else {
            throw new IllegalArgumentException("Invalid message: " + message + " (expected one of RankMessage's records)");
        }
        out.flush();
    }

    /** @throws IOException where the connection ends, or what comes is no message */
    static RankMessage read(DataInputStream in) throws IOException {
        byte type = in.readByte();
        return switch (type) {
            case 1 -> new StepBegun(in.readLong());
            case 2 -> new Report(readBytes(in));
            case 3 -> {
                RankFailure.Kind kind = RankFailure.Kind.of(in.readByte());
                yield new Failed(new RankFailure(kind, new String(readBytes(in), StandardCharsets.UTF_8), null));
            }
            case 4 -> new Done();
            default -> throw new IOException("a message of type " + type);
        };
    }

    private static void writeBytes(byte[] bytes, DataOutputStream out) throws IOException {
        if (bytes.length > LONGEST) {
            throw new IllegalArgumentException("Invalid message: " + bytes.length + " bytes (expected at most " + LONGEST + ")");
        }
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static byte[] readBytes(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > LONGEST) {
            throw new IOException("a message of " + length + " bytes");
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the connection ended within a message");
        }
        return bytes;
    }
}
