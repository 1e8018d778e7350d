package dev.aerie.table;

import dev.aerie.store.ShardReader;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StoredConversation;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** Goes through the conversations of a partition, one open shard at a time. */
final class ConversationCursor implements AutoCloseable {

    private final Iterator<ShardSlice> slices;
    private final Configuration conf;
    private final StateSelection states;
    private ShardSlice slice;
    private Iterator<ListedConversation> conversations = List.<ListedConversation>of().iterator();
    private ShardReader reader;
    private ListedConversation listed;
    private StoredConversation stored;

    ConversationCursor(List<ShardSlice> slices, Configuration conf, StateSelection states) {
        this.slices = slices.iterator();
        this.conf = conf;
        this.states = states;
    }

    /** Goes to the next conversation; returns whether there is one. */
    boolean next() throws IOException {
        while (!conversations.hasNext()) {
            close();
            if (!slices.hasNext()) {
                return false;
            }
            slice = slices.next();
            conversations = slice.conversations().iterator();
            reader = slice.shard() == null ? null : slice.shard().open(conf, states);
        }
        listed = conversations.next();
        if (reader != null) {
            // From start to end is faster; one by one leaves the others alone.
            stored = slice.whole() ? reader.next().orElseThrow() : reader.read(listed.entry());
        }
        return true;
    }

    ListedConversation listed() {
        return listed;
    }

    /** Returns what the shard holds of the conversation; null if no shard is opened. */
    StoredConversation stored() {
        return stored;
    }

    @Override
    public void close() {
        stored = null;
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }
}
