package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads a committed shard: from start to end with {@link #next}, or one conversation with {@link #read}.
 *
 * <p>Checksums are verified where the container has them. Not thread-safe; the conversations returned do not depend on it.
 */
public final class ShardReader implements AutoCloseable {

    private final StateLayout layout;
    private final StateSelection selection;
    private final CommittedShard shard;
    private final String path;
    private final ShardSchema schema;
    private final ChunkReader chunks;
    private int conversation;

    /** @param selection the states to read; columns of others are left alone */
    ShardReader(Folder files, StoreSettings settings, CommittedShard shard, StateSelection selection) {
        this.layout = settings.states();
        this.selection = selection;
        this.shard = shard;
        this.path = files.path(shard.path()).toString();
        this.schema = new ShardSchema(layout, selection);
        this.chunks = guarded(() -> {
            long bytes = files.status(shard.path()).getLen();
            if (bytes != shard.bytes()) {
                throw damaged(bytes + " bytes (expected " + shard.bytes() + ")", null);
            }
            return layout.container().reader(files, shard, schema);
        });
        try {
            checkFooter(settings);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void checkFooter(StoreSettings settings) {
        if (chunks.rows() != shard.rows()) {
            throw damaged(chunks.rows() + " rows (expected " + shard.rows() + ")", null);
        }
        ShardSchema.footer(settings, shard.shard()).forEach((key, expected) -> {
            String found = chunks.footer().get(key);
            if (!expected.equals(found)) {
                throw damaged(key + " is " + found + " (expected " + expected + ")", null);
            }
        });
    }

    /** Returns the marker of the shard. */
    public CommittedShard shard() {
        return shard;
    }

    /**
     * Returns the next conversation; empty after the last one.
     *
     * @throws InvalidStoreException naming the file if it is damaged or cannot be read
     */
    public Optional<StoredConversation> next() {
        if (conversation == shard.conversations().size()) {
            return Optional.empty();
        }
        ConversationEntry entry = shard.conversations().get(conversation++);
        return Optional.of(guarded(() -> {
            List<Chunk> read = new ArrayList<>();
            for (int i = 0; i < Chunk.count(entry.tokens()); i++) {
                read.add(chunks.next());
            }
            return conversation(entry, read);
        }));
    }

    /**
     * Reads one conversation; reads no other.
     *
     * @param entry an entry of this shard's marker
     * @throws InvalidStoreException naming the file if it is damaged or cannot be read
     */
    public StoredConversation read(ConversationEntry entry) {
        return guarded(() ->
                conversation(entry, chunks.read(entry.row(), entry.row() + Chunk.count(entry.tokens()))));
    }

    private StoredConversation conversation(ConversationEntry entry, List<Chunk> chunks) {
        int expected = 0;
        for (Chunk chunk : chunks) {
            boolean continues = chunk.firstToken() == expected
                    && chunk.conversation().equals(entry.id())
                    && chunk.part() == entry.part()
                    && chunk.conversationTokens() == entry.tokens();
            if (!continues) {
                throw damaged("token " + chunk.firstToken() + " of conversation " + chunk.conversation() + " (expected token "
                        + expected + " of " + entry.id() + ")", null);
            }
            expected += chunk.tokens();
        }
        if (expected != entry.tokens()) {
            throw damaged(expected + " tokens of conversation " + entry.id() + " (expected " + entry.tokens() + ")", null);
        }
        StoredConversation out = new StoredConversation(layout, selection, path, chunks);
        for (Chunk chunk : chunks) {
            for (int f = 0; f < schema.fields().size(); f++) {
                StateField field = schema.fields().get(f);
                requireBytes(entry, field, chunk.states().get(f), out.rows(field, chunk));
            }
        }
        return out;
    }

    private void requireBytes(ConversationEntry entry, StateField field, EncodedStates found, int rows) {
        int[] expected = layout.codec().planeBytes(rows, layout.hiddenSize());
        for (int i = 0; i < expected.length; i++) {
            if (found.planes().get(i).remaining() != expected[i]) {
                throw damaged(found.planes().get(i).remaining() + " bytes of " + field.columns(layout.codec()).get(i)
                        + " in conversation " + entry.id() + " (expected " + expected[i] + ")", null);
            }
        }
    }

    private interface Reading<T> {
        T run() throws IOException;
    }

    /** Readers of file formats report damage with a dozen unrelated exceptions, few of which name the file. */
    private <T> T guarded(Reading<T> reading) {
        try {
            return reading.run();
        } catch (InvalidStoreException e) {
            throw e;
        } catch (FileNotFoundException e) {
            throw damaged("no such file (expected the one its marker names)", e);
        } catch (IOException | RuntimeException | InternalError e) {
            // An InternalError is how Java reports that a mapped file has become shorter.
            throw damaged(e.getMessage() == null ? e.toString() : e.getMessage().lines().findFirst().orElse(""), e);
        }
    }

    private InvalidStoreException damaged(String what, Throwable cause) {
        return new InvalidStoreException("Invalid shard " + path + ": " + what, cause);
    }

    @Override
    public void close() {
        try {
            chunks.close();
        } catch (IOException e) {
            throw damaged("closing failed: " + e.getMessage(), e);
        }
    }
}
