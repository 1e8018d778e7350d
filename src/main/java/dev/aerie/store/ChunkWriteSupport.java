package dev.aerie.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;

/** Writes chunks as rows. */
final class ChunkWriteSupport extends WriteSupport<Chunk> {

    private final ShardSchema schema;
    private final Map<String, String> footer;
    private RecordConsumer out;

    ChunkWriteSupport(ShardSchema schema, Map<String, String> footer) {
        this.schema = schema;
        this.footer = footer;
    }

    @Override
    public WriteContext init(Configuration configuration) {
        return new WriteContext(schema.message(), footer);
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
        return new WriteContext(schema.message(), footer);
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
        out = consumer;
    }

    @Override
    public void write(Chunk chunk) {
        out.startMessage();
        binary(ShardSchema.CONVERSATION, Binary.fromString(chunk.conversation()));
        binary(ShardSchema.PART, Binary.fromString(chunk.part().text()));
        integer(ShardSchema.CONVERSATION_TOKENS, chunk.conversationTokens());
        integer(ShardSchema.FIRST_TOKEN, chunk.firstToken());
        integer(ShardSchema.TOKENS, chunk.tokens());
        binary(ShardSchema.INPUT_IDS, Binary.fromConstantByteArray(littleEndian(chunk.ids())));
        binary(ShardSchema.LOSS_MASK, Binary.fromConstantByteArray(bytes(chunk.supervised())));
        int column = ShardSchema.STATES;
        for (byte[] value : chunk.aux()) {
            binary(column++, Binary.fromConstantByteArray(value));
        }
        for (byte[] value : chunk.teacher()) {
            binary(column++, Binary.fromConstantByteArray(value));
        }
        out.endMessage();
    }

    private void binary(int column, Binary value) {
        out.startField(schema.name(column), column);
        out.addBinary(value);
        out.endField(schema.name(column), column);
    }

    private void integer(int column, int value) {
        out.startField(schema.name(column), column);
        out.addInteger(value);
        out.endField(schema.name(column), column);
    }

    private static byte[] littleEndian(int[] ids) {
        ByteBuffer b = ByteBuffer.allocate(Integer.BYTES * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asIntBuffer().put(ids);
        return b.array();
    }

    private static byte[] bytes(boolean[] flags) {
        byte[] out = new byte[flags.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) (flags[i] ? 1 : 0);
        }
        return out;
    }
}
