package dev.aerie.store;

import dev.aerie.files.FileDigest;
import dev.aerie.files.Folder;
import dev.aerie.files.NewFile;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Finite;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt at one shard: writes a new file that counts only once its marker exists.
 *
 * <p>The file's content depends only on the conversations and states, so two attempts write the same bytes. Closing without
 * {@link #commit} deletes the file; an attempt that dies leaves it as an orphan, which no reader sees.
 */
public final class ShardWriter implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ShardWriter.class);

    /** The result of a commit: the shard's marker, and whether this attempt wrote it. */
    public record Commit(CommittedShard shard, boolean won) {}

    private final Folder files;
    private final StoreSettings settings;
    private final int shard;
    /** The folder of the shard's marker. */
    private final String markers;
    private final String file;
    /** The marker of the shard if it is made again; else null. */
    private final CommittedShard standing;
    private final NewFile output;
    private final ChunkWriter writer;
    private final List<ConversationEntry> conversations = new ArrayList<>();
    private final List<RefusedConversation> refused = new ArrayList<>();
    private int rows;
    private long tokens;
    private long teacherRows;
    private boolean finished;
    private long encoding;
    private long writing;

    /** @param markers the folder of its marker */
    ShardWriter(Folder files, StoreSettings settings, int shard, String markers) throws IOException {
        this(files, settings, shard, markers, null);
    }

    /** @param standing the shard's marker, if its file is made again under the same name; null for a new attempt */
    ShardWriter(Folder files, StoreSettings settings, int shard, String markers, CommittedShard standing) throws IOException {
        if (shard < 0 || shard >= settings.planned().shards()) {
            throw new IllegalArgumentException(
                    "Invalid shard: " + shard + " (expected 0 to " + (settings.planned().shards() - 1) + ")");
        }
        this.files = files;
        this.settings = settings;
        this.shard = shard;
        this.markers = markers;
        this.standing = standing;
        this.file = standing != null ? standing.file() : Markers.shardName(shard) + "-"
                + UUID.randomUUID().toString().replace("-", "").substring(0, 12)
                + "." + settings.states().container().extension();
        this.output = files.create(StoreLayout.SHARDS + "/" + file);
        try {
            StateLayout states = settings.states();
            this.writer = states.container().writer(output, new ShardSchema(states, StateSelection.all(states)),
                    ShardSchema.footer(settings, shard));
        } catch (IOException | RuntimeException e) {
            output.close();
            throw e;
        }
    }

    public int shard() {
        return shard;
    }

    /** Returns the settings of the store. */
    public StoreSettings settings() {
        return settings;
    }

    /**
     * Appends a conversation.
     *
     * @param sequence tokens and loss mask [T]
     * @param aux captured states [T, layers × hidden], any floating type, any device
     * @param last states after the final norm of all tokens [T, hidden], of which the teacher's rows are stored
     * @throws NonFiniteStateException if a state that would be stored is not finite; nothing of the conversation was written
     */
    public void write(String id, Part part, TokenSequence sequence, Tensor aux, Tensor last) throws IOException {
        check(id, sequence, aux, last);
        int length = sequence.length();
        long since = System.nanoTime();
        try (Scope scope = Scope.open()) {
            StateLayout layout = settings.states();
            int[] teacher = layout.teacherRows().of(sequence.lossMask());
            Tensor stored = aux.to(layout.codec().dtype());
            requireFinite(stored);
            requireFinite(last, teacher);
            conversations.add(new ConversationEntry(id, part, rows, length, sequence.supervisedCount()));
            int taken = 0;
            for (int first = 0; first < length; first += Chunk.MAX_TOKENS) {
                int n = Math.min(Chunk.MAX_TOKENS, length - first);
                int from = taken;
                while (taken < teacher.length && teacher[taken] < first + n) {
                    taken++;
                }
                List<EncodedStates> states;
                try (Scope chunk = Scope.open()) {
                    states = encoded(stored.narrow(0, first, n), taught(last, teacher, from, taken));
                }
                long encoded = System.nanoTime();
                encoding += encoded - since;
                writer.write(new Chunk(id, part, length, first, sequence.slice(first, first + n), states));
                since = System.nanoTime();
                writing += since - encoded;
                rows++;
            }
            tokens += length;
            teacherRows += teacher.length;
        }
    }

    /**
     * Appends a conversation of another store with the same layers, as a conversion makes it, chunk by chunk.
     *
     * @throws NonFiniteStateException if a state is infinite in this store's type; nothing of the conversation was written
     */
    void write(StoredConversation conversation, StateConversion conversion) throws IOException {
        requireUnfinished();
        List<StateField> fields = conversation.fields();
        if (conversion.narrows()) {
            requireFinite(conversation, conversion);
        }
        conversations.add(new ConversationEntry(conversation.id(), conversation.part(), rows, conversation.tokens(),
                conversation.sequence().supervisedCount()));
        for (Chunk chunk : conversation.chunks()) {
            List<EncodedStates> states = new ArrayList<>();
            for (int f = 0; f < fields.size(); f++) {
                states.add(conversion.convert(chunk.states().get(f), conversation.rows(fields.get(f), chunk)));
            }
            writer.write(new Chunk(chunk.conversation(), chunk.part(), chunk.conversationTokens(), chunk.firstToken(),
                    chunk.sequence(), states));
            rows++;
        }
        tokens += conversation.tokens();
        teacherRows += conversation.teacherRows().length;
    }

    private static void requireFinite(StoredConversation conversation, StateConversion conversion) {
        List<StateField> fields = conversation.fields();
        int[] teacherRows = conversation.teacherRows();
        for (int f = 0; f < fields.size(); f++) {
            int before = 0;
            for (Chunk chunk : conversation.chunks()) {
                int rows = conversation.rows(fields.get(f), chunk);
                long bad = conversion.firstNonFinite(chunk.states().get(f), rows);
                if (bad >= 0) {
                    boolean teacher = fields.get(f).equals(StateField.TEACHER);
                    int row = before + (int) bad;
                    throw new NonFiniteStateException(
                            teacher ? "the final norm" : fields.get(f).name(), teacher ? teacherRows[row] : row);
                }
                before += rows;
            }
        }
    }

    /** Returns the nanoseconds spent on rounding, checking and encoding states. */
    public long encodeNanos() {
        return encoding;
    }

    /** Returns the nanoseconds spent on compressing and writing what was encoded, and on the commit. */
    public long writeNanos() {
        return writing;
    }

    /** Encodes each captured layer's states, then the teacher's. */
    private List<EncodedStates> encoded(Tensor aux, Tensor teacher) {
        StateLayout layout = settings.states();
        List<EncodedStates> states = new ArrayList<>();
        for (int l = 0; l < layout.captureLayers().size(); l++) {
            states.add(layout.codec().encode(aux.narrow(1, (long) l * layout.hiddenSize(), layout.hiddenSize())));
        }
        states.add(layout.codec().encode(teacher));
        return states;
    }

    /**
     * Records a planned conversation that the shard does not contain.
     *
     * @param tokens its length in the plan
     */
    public void refuse(String id, Part part, int tokens, String reason) {
        refused.add(new RefusedConversation(id, part, conversations.size() + refused.size(), tokens, reason));
    }

    /** Returns the conversations refused so far. */
    public List<RefusedConversation> refused() {
        return List.copyOf(refused);
    }

    /**
     * Closes the file and writes the shard's marker, unless another attempt wrote it before: then this attempt's file is deleted.
     *
     * <p>If this throws, the marker may or may not exist, so the file is kept; without a marker it is an orphan.
     *
     * @return the shard's marker, of this attempt or another
     */
    public Commit commit() throws IOException {
        return commit(written -> {});
    }

    /** Opens the file that {@link #commit(Consumer)} checks. */
    ShardReader reader(CommittedShard written) {
        return new ShardReader(files, settings, written, StateSelection.all(settings.states()));
    }

    /**
     * As {@link #commit()}, with a check of the file before its marker is written.
     *
     * @param check reads the file that is to be committed; if it throws, the file is deleted
     */
    Commit commit(Consumer<CommittedShard> check) throws IOException {
        requireUnfinished();
        finished = true;
        if (standing != null) {
            return replace();
        }
        long since = System.nanoTime();
        CommittedShard mine;
        try (output) {
            writer.finish();
            FileDigest written = output.commit();
            mine = new CommittedShard(
                    StoreSettings.FORMAT_VERSION,
                    shard,
                    file,
                    rows,
                    tokens,
                    teacherRows,
                    written.bytes(),
                    written.sha256(),
                    conversations,
                    refused);
            check.accept(mine);
        } catch (IOException | RuntimeException e) {
            // No marker can name the file yet. If it cannot be deleted, it is an orphan.
            discard(e);
            throw e;
        }
        CommittedShard standing = Markers.createOrRead(files, markers, mine);
        writing += System.nanoTime() - since;
        boolean won = standing.file().equals(file);
        if (!won) {
            files.delete(mine.path());
            if (!standing.sha256().equals(mine.sha256())) {
                LOG.warn("Two attempts at shard {} of {} differ ({} and {}): the target's results differ between hosts",
                        shard, files.uri(), standing.sha256(), mine.sha256());
            }
        }
        return new Commit(standing, won);
    }

    /** Publishes the file only if it is the one that the marker describes; otherwise what is there stays. */
    private Commit replace() throws IOException {
        long since = System.nanoTime();
        try (output) {
            writer.finish();
            FileDigest made = output.digest();
            if (!made.sha256().equals(standing.sha256())) {
                throw new InvalidStoreException("Invalid shard " + standing.path() + ": made again, its SHA-256 is "
                        + made.sha256() + " (expected " + standing.sha256() + " of its marker: the same target computed on the same "
                        + "engine, that is build of libtorch, instruction set and threads for each task)");
            }
            output.commit();
        }
        writing += System.nanoTime() - since;
        return new Commit(standing, true);
    }

    /** Aborts the attempt unless its commit has begun. */
    @Override
    public void close() throws IOException {
        if (!finished) {
            finished = true;
            try (output) {
                writer.close();
            }
        }
    }

    private void discard(Exception cause) {
        try {
            files.delete(StoreLayout.SHARDS + "/" + file);
        } catch (IOException | RuntimeException e) {
            cause.addSuppressed(e);
        }
    }

    /**
     * Returns the states of the teacher's rows [from, to), as they are stored. Of a long conversation they are hundreds of
     * megabytes, so only those of a chunk are copied at a time.
     */
    private Tensor taught(Tensor last, int[] teacherRows, int from, int to) {
        long[] index = Arrays.stream(teacherRows, from, to).asLongStream().toArray();
        return last.rows(Tensor.of(index, index.length).to(last.device())).to(settings.states().codec().dtype());
    }

    private void requireFinite(Tensor aux) {
        long bad = Finite.firstViolation(aux);
        if (bad >= 0) {
            int layer = (int) (bad % settings.states().auxWidth()) / settings.states().hiddenSize();
            throw new NonFiniteStateException(
                    "the output of layer " + settings.states().captureLayers().get(layer), bad / settings.states().auxWidth());
        }
    }

    private void requireFinite(Tensor last, int[] teacherRows) {
        for (int from = 0; from < teacherRows.length; from += Chunk.MAX_TOKENS) {
            try (Scope checking = Scope.open()) {
                Tensor taught = taught(last, teacherRows, from, Math.min(from + Chunk.MAX_TOKENS, teacherRows.length));
                long bad = Finite.firstViolation(taught);
                if (bad >= 0) {
                    throw new NonFiniteStateException("the final norm",
                            teacherRows[from + (int) (bad / settings.states().hiddenSize())]);
                }
            }
        }
    }

    private void requireUnfinished() {
        if (finished) {
            throw new IllegalStateException("The attempt at shard " + shard + " is finished");
        }
    }

    private void check(String id, TokenSequence sequence, Tensor aux, Tensor last) {
        requireUnfinished();
        if (sequence.length() == 0) {
            throw new IllegalArgumentException("Invalid conversation " + id + ": no tokens (expected at least one)");
        }
        long[] wantedAux = {sequence.length(), settings.states().auxWidth()};
        long[] wantedLast = {sequence.length(), settings.states().hiddenSize()};
        if (!Arrays.equals(aux.shape(), wantedAux) || !Arrays.equals(last.shape(), wantedLast)) {
            throw new IllegalArgumentException("Invalid states of conversation " + id + ": " + aux + " and " + last
                    + " (expected "
                    + Arrays.toString(wantedAux) + " and " + Arrays.toString(wantedLast) + ")");
        }
    }
}
