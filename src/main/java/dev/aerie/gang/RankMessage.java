package dev.aerie.gang;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * A message from a rank to the driver.
 *
 * <p>On the wire: a byte for the type, then the fields in order. A long has 8 bytes; an array or a UTF-8 text is its length in 4
 * bytes, then its bytes.
 */
sealed interface RankMessage {

    /** A report given to {@link RankContext#report}, encoded by the gang's {@link ReportCodec}. */
    record Report(byte[] report) implements RankMessage {}

    /** A step begins; later messages of the rank belong to it. */
    record StepBegun(long step) implements RankMessage {}

    /** The rank has failed; the last message of a connection. */
    record Failed(RankFailure failure) implements RankMessage {}

    /** The rank has done its work; the last message of a connection. */
    record Done() implements RankMessage {}

    /** Longer than any report; a longer message shows that the two ends are out of step. */
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

    /** @throws IOException if the connection ends or the bytes are not a message */
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
