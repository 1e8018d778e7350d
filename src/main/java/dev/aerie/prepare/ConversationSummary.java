package dev.aerie.prepare;

import dev.aerie.files.Sha256;
import dev.aerie.store.Part;
import dev.aerie.store.TeacherRows;
import java.io.Serializable;
import java.nio.ByteBuffer;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * What planning needs of a conversation.
 *
 * @param name 64 bits of the SHA-256 of part and id
 * @param tokens its length
 * @param promptTokens tokens before the first supervised one
 * @param teacherRows rows whose state after the final norm is stored, if it is trained on
 * @param digest SHA-256 of all of it
 */
record ConversationSummary(long position, long name, Part part, int tokens, int promptTokens, int teacherRows, byte[] digest)
        implements Serializable {

    static final StructType SCHEMA = new StructType()
            .add("position", DataTypes.LongType, false)
            .add("name", DataTypes.LongType, false)
            .add("part", DataTypes.StringType, false)
            .add("tokens", DataTypes.IntegerType, false)
            .add("prompt_tokens", DataTypes.IntegerType, false)
            .add("teacher_rows", DataTypes.IntegerType, false)
            .add("digest", DataTypes.BinaryType, false);

    static ConversationSummary of(TokenizedRow row, TeacherRows rows) {
        byte[] name = new Sha256().add(row.part().text() + "/" + row.id()).bytes();
        return new ConversationSummary(row.position(), ByteBuffer.wrap(name).getLong(), row.part(), row.sequence().length(),
                row.sequence().promptLength(), rows.count(row.sequence().lossMask()), digest(row));
    }

    static ConversationSummary of(Row row) {
        return new ConversationSummary(row.getLong(0), row.getLong(1), Part.of(row.getString(2)), row.getInt(3), row.getInt(4),
                row.getInt(5), row.getAs(6));
    }

    /** As {@link #SCHEMA} says. */
    Row toRow() {
        return RowFactory.create(position, name, part.text(), tokens, promptTokens, teacherRows, digest);
    }

    /** Returns the tokens of the conversation in the store; for a held-out one, the largest number. */
    int expectedTokens(int maxNewTokens) {
        return part == Part.TRAIN ? tokens : (int) Math.min(Integer.MAX_VALUE, (long) promptTokens + maxNewTokens);
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
