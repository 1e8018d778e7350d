package dev.aerie.store;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordMaterializer;

/** Makes chunks of rows, as {@link ParquetChunkWriter} wrote them. */
final class ParquetChunkMaterializer extends RecordMaterializer<Chunk> {

    private final ShardSchema schema;
    private final ByteBuffer[] binaries;
    private final int[] integers;

    private final GroupConverter root = new GroupConverter() {
        @Override
        public Converter getConverter(int field) {
            return new PrimitiveConverter() {
                @Override
                public void addBinary(Binary value) {
                    binaries[field] = value.toByteBuffer();
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

    ParquetChunkMaterializer(ShardSchema schema) {
        this.schema = schema;
        this.binaries = new ByteBuffer[schema.columns().size()];
        this.integers = new int[schema.columns().size()];
    }

    @Override
    public Chunk getCurrentRecord() {
        int planes = schema.layout().codec().planes().size();
        List<EncodedStates> states = new ArrayList<>();
        for (int column = ShardSchema.STATES; column < schema.columns().size(); column += planes) {
            states.add(new EncodedStates(Arrays.asList(binaries).subList(column, column + planes)));
        }
        return Chunk.ofRow(binaries, integers, states);
    }

    @Override
    public GroupConverter getRootConverter() {
        return root;
    }
}
