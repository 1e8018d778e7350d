package dev.aerie.prepare;

import dev.aerie.spark.ModelKey;
import dev.aerie.spark.SharedModels;
import dev.aerie.spark.SparkLibraries;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.TokenSequence;
import dev.aerie.text.UnusableConversationException;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;

/** Encodes conversations as tokens and loss masks, or returns the reason why that is impossible. */
final class EncodeRecords implements FlatMapFunction<Iterator<Row>, Row> {

    static final StructType SCHEMA = new StructType()
            .add("position", DataTypes.LongType, false)
            .add("id", DataTypes.StringType, false)
            .add("source", DataTypes.StringType, false)
            .add("input_ids", DataTypes.createArrayType(DataTypes.IntegerType, false), true)
            .add("loss_mask", DataTypes.createArrayType(DataTypes.BooleanType, false), true)
            .add("reason", DataTypes.StringType, true)
            .add("excerpt", DataTypes.StringType, true)
            .add("unread_fields", DataTypes.createArrayType(DataTypes.StringType, false), false)
            .add("content_hash", DataTypes.StringType, true);

    private static final int EXCERPT = 200;

    /** Tokenizers compute on the CPU. */
    private record Key(EncoderSettings settings) implements ModelKey {
        @Override
        public Device device() {
            return Device.CPU;
        }
    }

    /** A tokenizer of 128,000 tokens takes half a second to load: once for each JVM, not for each task. */
    private static final SharedModels<Key, ConversationEncoder> ENCODERS = new SharedModels<>(
            (key, parts) -> parts.add(new ConversationEncoder(key.settings())));

    private final IngestSettings settings;
    private final SerializableConfiguration conf;

    EncodeRecords(IngestSettings settings, SerializableConfiguration conf) {
        this.settings = settings;
        this.conf = conf;
    }

    @Override
    public Iterator<Row> call(Iterator<Row> records) throws IOException {
        SparkLibraries.require();
        SharedModels.Lease<ConversationEncoder> lease = ENCODERS.lease(new Key(settings.encoderHere(conf.value())));
        // Rows are encoded lazily, so the lease ends with the task.
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) task -> lease.close());
        ConversationEncoder encoder = lease.model();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return records.hasNext();
            }

            @Override
            public Row next() {
                return encode(encoder, records.next());
            }
        };
    }

    /** {@link SharedModels#release}. */
    static void release() {
        ENCODERS.release();
    }

    private static Row encode(ConversationEncoder encoder, Row record) {
        Conversation conversation = RecordRow.conversation(record);
        String[] unread = encoder.unreadFields(conversation).toArray(String[]::new);
        Object position = record.getAs("position");
        try {
            TokenSequence t = encoder.encode(conversation);
            return RowFactory.create(position, conversation.id(), conversation.source(), t.inputIds(), t.lossMask(), null, null,
                    unread, record.getAs("content_hash"));
        } catch (UnusableConversationException e) {
            String json = record.getAs("conversation");
            String excerpt = json.substring(0, Math.min(EXCERPT, json.length()));
            return RowFactory.create(position, conversation.id(), conversation.source(), null, null, e.getMessage(), excerpt,
                    unread, record.getAs("content_hash"));
        }
    }
}
