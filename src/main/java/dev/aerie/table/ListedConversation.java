package dev.aerie.table;

import dev.aerie.store.ConversationEntry;
import java.io.Serializable;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A conversation as far as it is known without its shard's file.
 *
 * @param source null where no column or condition needs it
 */
record ListedConversation(int shard, ConversationEntry entry, String source) implements Serializable {

    /** Returns the value of a column that is not in the shard, in Spark's internal form. */
    Comparable<?> value(Content content) {
        return switch (content) {
            case ID -> UTF8String.fromString(entry.id());
            case PART -> UTF8String.fromString(entry.part().text());
            case SOURCE -> UTF8String.fromString(source);
            case SHARD -> shard;
            case TOKENS -> entry.tokens();
            case SUPERVISED -> entry.supervised();
            default -> throw new IllegalArgumentException("Invalid column: " + content + " (expected one of a conversation's marker)");
        };
    }
}
