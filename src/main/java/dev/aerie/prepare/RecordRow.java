package dev.aerie.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.clean.Documents;
import dev.aerie.files.Sha256;
import dev.aerie.text.Conversation;
import dev.aerie.text.InputRecord;
import dev.aerie.text.Message;
import dev.aerie.text.RecordJson;
import dev.aerie.text.Rejection;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** A record of an input as a row between Spark stages: a conversation as JSON, or the reason of its rejection. */
final class RecordRow {

    static final StructType SCHEMA = new StructType()
            .add("position", DataTypes.LongType, false)
            .add("id", DataTypes.StringType, false)
            .add("source", DataTypes.StringType, false)
            // Text, because Spark RAPIDS neither sorts nor partitions by binary columns.
            .add("content_hash", DataTypes.StringType, true)
            .add("conversation", DataTypes.StringType, true)
            .add("reason", DataTypes.StringType, true)
            .add("excerpt", DataTypes.StringType, true)
            .add("rest_lost", DataTypes.BooleanType, false);

    private static final ObjectMapper JSON = RecordJson.mapper();

    private RecordRow() {}

    static Row of(long position, InputRecord record) {
        if (record instanceof Rejection r) {
            return RowFactory.create(position, r.id(), r.source(), null, null, r.reason(), r.excerpt(), r.restLost());
        }
        Conversation c = (Conversation) record;
        return RowFactory.create(position, c.id(), c.source(), contentHash(c), json(c), null, null, false);
    }

    static Conversation conversation(Row row) {
        try {
            return JSON.readValue(row.<String>getAs("conversation"), Conversation.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("conversation " + row.getAs("id") + " did not survive its own JSON", e);
        }
    }

    /** Returns a record that was read as a row of {@link Documents#SCHEMA}. */
    static Row document(Row row) {
        Conversation c = conversation(row);
        String text = c.text() != null ? c.text() : c.messages().stream().map(Message::content).filter(Objects::nonNull)
                .collect(Collectors.joining("\n"));
        return RowFactory.create(row.<Object>getAs("position"), c.id(), c.source(), c.messages().size(), text);
    }

    /** Returns a hash of the content without id and source: two files may hold one conversation under two ids. */
    private static String contentHash(Conversation c) {
        Object said = Arrays.asList(c.messages(), c.text(), c.tools(), c.templateVariables());
        return new Sha256().add(json(said)).hex();
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
