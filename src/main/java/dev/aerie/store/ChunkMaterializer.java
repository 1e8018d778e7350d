package dev.aerie.store;

import dev.aerie.text.TokenSequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordMaterializer;

/** Reads rows written by {@link ChunkFile} as chunks. */
final class ChunkMaterializer extends RecordMaterializer<Chunk> {

    private final ShardSchema schema;
    private final byte[][] binaries;
    private final int[] integers;

    private final GroupConverter root = new GroupConverter() {
        @Override
        public Converter getConverter(int field) {
            return new PrimitiveConverter() {
                @Override
                public void addBinary(Binary value) {
                    binaries[field] = value.getBytes();
                }

                @Override
                public void addInt(int value) {
                    integers[field] = value;
                }
            };
        }

        @Override
        public void start() {}

        @Override
        public void end() {}
    };

    ChunkMaterializer(ShardSchema schema) {
        this.schema = schema;
        this.binaries = new byte[schema.columns()][];
        this.integers = new int[schema.columns()];
    }

    @Override
    public Chunk getCurrentRecord() {
        int tokens = integers[ShardSchema.TOKENS];
        byte[] ids = binaries[ShardSchema.INPUT_IDS];
        byte[] mask = binaries[ShardSchema.LOSS_MASK];
        if (tokens < 1 || tokens > Chunk.MAX_TOKENS || ids.length != tokens * Integer.BYTES || mask.length != tokens) {
            throw new IllegalArgumentException("a row says " + tokens + " tokens and has " + ids.length + " bytes of ids and "
                    + mask.length + " of mask");
        }
        int[] numbers = new int[tokens];
        ByteBuffer.wrap(ids).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(numbers);
        boolean[] lossMask = new boolean[tokens];
        for (int i = 0; i < tokens; i++) {
            lossMask[i] = mask[i] != 0;
        }
        int teacher = ShardSchema.STATES + schema.auxColumns();
        return new Chunk(
                new String(binaries[ShardSchema.CONVERSATION], java.nio.charset.StandardCharsets.UTF_8),
                Part.of(new String(binaries[ShardSchema.PART], java.nio.charset.StandardCharsets.UTF_8)),
                integers[ShardSchema.CONVERSATION_TOKENS],
                integers[ShardSchema.FIRST_TOKEN],
                new TokenSequence(numbers, lossMask),
                Arrays.copyOfRange(binaries, ShardSchema.STATES, teacher),
                Arrays.copyOfRange(binaries, teacher, schema.columns()));
    }

    @Override
    public GroupConverter getRootConverter() {
        return root;
    }
}
