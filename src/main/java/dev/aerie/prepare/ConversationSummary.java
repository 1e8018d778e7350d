package dev.aerie.prepare;

import dev.aerie.files.Sha256;
import dev.aerie.store.Part;
import dev.aerie.store.TeacherRows;
import java.io.Serializable;
import java.nio.ByteBuffer;

/**
 * The data of a conversation that the driver keeps for planning.
 *
 * @param tokens its length
 * @param promptTokens tokens before the first supervised one
 * @param teacherRows rows whose state after the final norm is stored, if it is trained on
 * @param digest SHA-256 of all of it
 */
record ConversationSummary(long position, String id, Part part, int tokens, int promptTokens, int teacherRows, byte[] digest)
        implements Serializable {

    static ConversationSummary of(TokenizedRow row, TeacherRows rows) {
        return new ConversationSummary(row.position(), row.id(), row.part(), row.sequence().length(), row.sequence()
                .promptLength(),
                rows.count(row.sequence().lossMask()), digest(row));
    }

    private static byte[] digest(TokenizedRow row) {
        Sha256 sha = new Sha256();
        sha.add(row.part().text() + "/" + row.id() + "/" + row.sequence().length());
        ByteBuffer body = ByteBuffer.allocate(row.sequence().length() * (Integer.BYTES + 1));
        for (int i = 0; i < row.sequence().length(); i++) {
            body.putInt(row.sequence().inputIds()[i]).put((byte) (row.sequence().lossMask()[i] ? 1 : 0));
        }
        return sha.add(body.array()).bytes();
    }
}
