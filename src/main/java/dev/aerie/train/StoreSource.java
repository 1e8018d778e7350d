package dev.aerie.train;

import dev.aerie.store.CommittedShard;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.ShardReader;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StoredConversation;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/** Reads the conversations of a hidden-state store, each separately from its shard. */
public final class StoreSource implements HiddenStateSource {

    /** Readers that stay open while unused: opening one reads a footer, which takes 100 ms on an object store. */
    private static final int IDLE_READERS = 64;

    /** Heap bytes of a token's id and mask, as read and as joined. */
    private static final int BYTES_BESIDE_STATES = 16;

    private record Indexed(CommittedShard shard, ConversationEntry entry) {}

    private final HiddenStateStore store;
    private final StateSelection selection;
    private final Map<Part, List<Indexed>> parts = new EnumMap<>(Part.class);
    /** Oldest first. A reader serves one thread at a time, so it is removed while in use. */
    private final Deque<ShardReader> idle = new ArrayDeque<>();
    private boolean closed;

    /** @param layers captured layers whose states are read */
    public StoreSource(HiddenStateStore store, List<Integer> layers) {
        this(store, layers, n -> true);
    }

    /** @param trained selects conversations of the part {@code train} by their index in the plan's order */
    StoreSource(HiddenStateStore store, List<Integer> layers, IntPredicate trained) {
        this.store = store;
        this.selection = new StateSelection(layers, true);
        for (Part part : Part.values()) {
            parts.put(part, new ArrayList<>());
        }
        int inPlan = 0;
        for (CommittedShard shard : store.shards()) {
            for (ConversationEntry entry : shard.conversations()) {
                if (entry.part() != Part.TRAIN || trained.test(inPlan++)) {
                    parts.get(entry.part()).add(new Indexed(shard, entry));
                }
            }
        }
    }

    @Override
    public int[] lengths(Part part) {
        return parts.get(part).stream().mapToInt(p -> p.entry().tokens()).toArray();
    }

    @Override
    public long bytes(Part part, int index) {
        StateLayout states = store.settings().states();
        long perToken = (selection.layers().size() + 1) * states.codec().bytes(1, states.hiddenSize());
        return parts.get(part).get(index).entry().tokens() * (perToken + BYTES_BESIDE_STATES);
    }

    @Override
    public TrainingSample read(Part part, int index) {
        Indexed one = parts.get(part).get(index);
        ShardReader reader = take(one.shard());
        StoredConversation stored;
        try {
            stored = reader.read(one.entry());
        } catch (RuntimeException e) {
            reader.close();
            throw e;
        }
        giveBack(reader);
        return new StoredSample(stored);
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
        return store.reader(shard, selection);
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
        idle.forEach(ShardReader::close);
        idle.clear();
    }

    private record StoredSample(StoredConversation stored) implements TrainingSample {

        @Override
        public String id() {
            return stored.id();
        }

        @Override
        public TokenSequence sequence() {
            return stored.sequence();
        }

        @Override
        public Tensor aux() {
            return stored.aux();
        }

        @Override
        public Tensor teacherStates() {
            return stored.teacherStates();
        }

        @Override
        public int[] teacherRows() {
            return stored.teacherRows();
        }
    }
}
