package dev.aerie.train;

import dev.aerie.store.CommittedShard;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.CorruptChunkException;
import dev.aerie.store.DecodedStates;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedConversation;
import dev.aerie.store.ShardReader;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StateMemory;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StoreShards;
import dev.aerie.store.StoredConversation;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntPredicate;

/** Reads the conversations of a hidden-state store, each separately from its shard. */
public final class StoreSource implements HiddenStateSource {

    /** Readers that stay open while unused: opening one reads a footer, which takes 100 ms on an object store. */
    private static final int IDLE_READERS = 64;
    /** Shards whose markers stay in memory; a training uses one shard or two at a time. */
    private static final int MARKERS = 64;

    /** Bytes of decoded states that are kept for the next conversations: 8,192 tokens of bfloat16 at hidden size 4,096. */
    private static final long IDLE_MEMORY = 256L << 20;

    /** Bytes of a token's id and mask, as read and as joined. */
    private static final int BYTES_BESIDE_STATES = 16;

    /** A shard, as its marker describes it, and its planned conversations to train on. */
    private record Opened(CommittedShard shard, List<PlannedConversation> train) {}

    private record HeldOut(CommittedShard shard, ConversationEntry entry) {}

    private final StoreShards shards;
    private final ShardedPlan plan;
    private final StateSelection selection;
    private final Map<Integer, Opened> opened = new LinkedHashMap<>(MARKERS, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Opened> eldest) {
            return size() > MARKERS;
        }
    };
    private List<HeldOut> heldOut;
    /** Oldest first. A reader serves one thread at a time, so it is removed while in use. */
    private final Deque<ShardReader> idle = new ArrayDeque<>();
    /** Shards' files that are not what was committed. */
    private final Set<String> corrupt = ConcurrentHashMap.newKeySet();
    private final StateMemory memory;
    private boolean closed;

    /** How long a read waits for a shard that is not there; null if all must be. */
    private final Duration patience;

    /** @param selection the states to read */
    public StoreSource(StoreShards shards, ShardedPlan plan, StateSelection selection) {
        this(shards, plan, selection, null);
    }

    /** @param patience how long a read waits for a shard of a rolling store that is still to be made; null for no such store */
    StoreSource(StoreShards shards, ShardedPlan plan, StateSelection selection, Duration patience) {
        this.patience = patience;
        this.shards = shards;
        this.plan = plan;
        this.selection = selection;
        this.memory = new StateMemory(shards.settings().states().codec().dtype(), IDLE_MEMORY);
    }

    @Override
    public int[] lengths(Part part) {
        return part == Part.TRAIN ? plan.lengths() : heldOut().stream().mapToInt(h -> h.entry().tokens()).toArray();
    }

    @Override
    public int[] shardStarts() {
        return plan.starts();
    }

    /** Reads their markers once; how long a continuation is, only the capture tells. */
    private synchronized List<HeldOut> heldOut() {
        if (heldOut == null) {
            List<HeldOut> found = new ArrayList<>();
            for (int shard : plan.heldOutShards()) {
                CommittedShard committed = marker(shard);
                committed.conversations().stream().filter(c -> c.part() == Part.HELD_OUT)
                        .forEach(c -> found.add(new HeldOut(committed, c)));
            }
            heldOut = found;
        }
        return heldOut;
    }

    private CommittedShard marker(int shard) {
        try {
            return shards.find(shard).orElseThrow(() -> new InvalidStoreException("Invalid store " + shards + ": shard " + shard
                    + " is not committed (expected all; run prepare again to finish it)",
                    new FileNotFoundException("the marker of shard " + shard)));
        } catch (IOException e) {
            throw new UncheckedIOException("Shard " + shard + " of " + shards + ": " + e.getMessage(), e);
        }
    }

    @Override
    public long bytes(Part part, int index) {
        StateLayout states = shards.settings().states();
        long encoded = states.codec().bytes(1, states.hiddenSize());
        long decoded = (long) states.codec().dtype().bytes() * states.hiddenSize();
        long perToken = (selection.layers().size() + 1) * (encoded + decoded);
        int tokens = part == Part.TRAIN ? plan.tokensOf(index) : heldOut().get(index).entry().tokens();
        return tokens * (perToken + BYTES_BESIDE_STATES);
    }

    @Override
    public Optional<TrainingSample> read(Part part, int index) {
        if (patience == null || part == Part.HELD_OUT) {
            return readNow(part, index);
        }
        long start = System.nanoTime();
        while (true) {
            try {
                return readNow(part, index);
            } catch (InvalidStoreException e) {
                boolean absent = e.getCause() instanceof FileNotFoundException;
                if (!absent || System.nanoTime() - start > patience.toNanos()) {
                    throw e;
                }
            }
            try {
                Thread.sleep(RollingWindow.INTERVAL.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("Interrupted while shard " + plan.shardOf(index) + " of " + shards
                        + " was still to be made", e);
            }
        }
    }

    private Optional<TrainingSample> readNow(Part part, int index) {
        if (part == Part.HELD_OUT) {
            HeldOut one = heldOut().get(index);
            return Optional.of(read(one.shard(), one.entry()));
        }
        Opened shard = opened(plan.shardOf(index));
        if (plan.placeOf(index) >= shard.train().size()) {
            throw new InvalidStoreException("Invalid store " + shards + ": shard " + shard.shard().shard() + " holds "
                    + shard.train().size() + " conversations to train on (expected more than " + plan.placeOf(index)
                    + ", as the plan says)");
        }
        return shard.train().get(plan.placeOf(index)).entry().map(entry -> read(shard.shard(), entry));
    }

    private Opened opened(int shard) {
        synchronized (opened) {
            Opened known = opened.get(shard);
            if (known != null) {
                return known;
            }
        }
        CommittedShard committed = marker(shard);
        Opened now = new Opened(committed, committed.planned(Part.TRAIN));
        synchronized (opened) {
            opened.put(shard, now);
        }
        return now;
    }

    private TrainingSample read(CommittedShard shard, ConversationEntry entry) {
        try {
            return decoded(shard, entry);
        } catch (InvalidStoreException e) {
            requireAsCommitted(shard, entry, e);
            // The file is sound, so it was damaged on the way.
            return decoded(shard, entry);
        }
    }

    /** Tells damage, which another attempt would find again, from failures of reading. */
    private void requireAsCommitted(CommittedShard shard, ConversationEntry entry, InvalidStoreException failure) {
        try {
            if (corrupt.contains(shard.file()) || !shards.isAsCommitted(shard)) {
                corrupt.add(shard.file());
                throw new CorruptChunkException(failure.getMessage() + "; conversation " + entry.id()
                        + " has a corrupt chunk: the file's SHA-256 is not that of its marker", failure);
            }
        } catch (FileNotFoundException e) {
            throw failure;
        } catch (IOException e) {
            // No refusal: another attempt may read the file.
            throw new UncheckedIOException(failure.getMessage(), e);
        }
    }

    private TrainingSample decoded(CommittedShard shard, ConversationEntry entry) {
        ShardReader reader = take(shard);
        StoredConversation stored;
        try {
            stored = reader.read(entry);
        } catch (RuntimeException e) {
            reader.close();
            throw e;
        }
        giveBack(reader);
        return new DecodedSample(stored, memory);
    }

    private ShardReader take(CommittedShard shard) {
        synchronized (this) {
            for (var readers = idle.descendingIterator(); readers.hasNext();) {
                ShardReader reader = readers.next();
                if (reader.shard().shard() == shard.shard()) {
                    readers.remove();
                    return reader;
                }
            }
        }
        return shards.reader(shard, selection);
    }

    /** Closes readers of some shards that are not in use. */
    void release(IntPredicate unused) {
        List<ShardReader> closing = new ArrayList<>();
        synchronized (this) {
            idle.removeIf(reader -> unused.test(reader.shard().shard()) && closing.add(reader));
        }
        closing.forEach(ShardReader::close);
    }

    private void giveBack(ShardReader reader) {
        ShardReader surplus = null;
        synchronized (this) {
            if (closed) {
                surplus = reader;
            } else {
                idle.addLast(reader);
                if (idle.size() > IDLE_READERS) {
                    surplus = idle.removeFirst();
                }
            }
        }
        if (surplus != null) {
            surplus.close();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        memory.close();
        idle.forEach(ShardReader::close);
        idle.clear();
    }

    /** Decoded by the thread that reads, so that the one that trains does not wait for it. */
    private static final class DecodedSample implements TrainingSample {

        private final String id;
        private final TokenSequence sequence;
        private final int[] teacherRows;
        private final DecodedStates states;

        DecodedSample(StoredConversation stored, StateMemory memory) {
            this.id = stored.id();
            this.sequence = stored.sequence();
            this.teacherRows = stored.teacherRows();
            this.states = memory.decode(stored);
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public TokenSequence sequence() {
            return sequence;
        }

        @Override
        public Tensor aux() {
            return states.aux();
        }

        @Override
        public Tensor teacherStates() {
            return states.teacherStates();
        }

        @Override
        public int[] teacherRows() {
            return teacherRows.clone();
        }

        @Override
        public void close() {
            states.close();
        }
    }
}
