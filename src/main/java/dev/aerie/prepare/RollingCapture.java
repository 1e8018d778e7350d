package dev.aerie.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.size;

import dev.aerie.errors.RefusalException;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.RollingPosition;
import dev.aerie.store.RollingStore;
import dev.aerie.store.RollingUse;
import dev.aerie.store.StorePlan;
import dev.aerie.store.StoreVacuum;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Makes the shards of a rolling store ahead of the training that uses them, and evicts those that it needs last, so that the store
 * stays within a budget. Which shards are there at a moment depends on time; what they hold does not.
 */
public final class RollingCapture {

    /** Time between two looks at the training's position. */
    private static final Duration INTERVAL = Duration.ofMillis(300);
    /** An attempt that still writes has changed its file since. */
    private static final Duration ABANDONED = Duration.ofMinutes(10);

    private final Capture capture;
    private final Capture.Planned planned;
    private final RollingStore store;
    private final long budget;
    private final int writers;
    private final PrintStream console;

    /**
     * @param capture of a store that {@linkplain Capture#isPlanned is planned}
     * @param budget bytes that the files of shards may take
     * @param writers shards that are made at the same time
     * @throws dev.aerie.store.InvalidStoreException if the store was made with other settings
     */
    public RollingCapture(Capture capture, long budget, int writers, PrintStream console) throws IOException {
        this.capture = capture;
        this.planned = capture.planned();
        this.store = RollingStore.at(planned.store(), configuration());
        this.budget = budget;
        this.writers = writers;
        this.console = console;
        // What killed attempts left would take room of the budget for ever.
        StoreVacuum.of(planned.store(), configuration()).run(ABANDONED);
    }

    /** Returns how many tasks run at a time on the executors that are there now. */
    public static int slots(SparkSession spark) {
        return spark.sparkContext().maxNumConcurrentTasks(
                spark.sparkContext().resourceProfileManager().defaultResourceProfile());
    }

    /** Returns whether the budget takes the whole store, which then need not roll. */
    public boolean fits() {
        return planned.plan().bytes() <= budget;
    }

    /**
     * Reads a store's plan from its tokens.
     *
     * @param ids of the conversations to train on; null for all of the part {@code train}
     */
    public static StorePlan plan(SparkSession spark, HiddenStateStore store, Set<String> ids) throws IOException {
        List<StorePlan.Shard> shards = new ArrayList<>();
        BitSet trained = ids == null ? null : new BitSet();
        Iterator<Row> rows = TokensTable.planned(spark, store)
                .select(col("shard"), col("place"), col("part"), size(col("input_ids")).as("tokens"), col("id"))
                .orderBy("shard", "place").toLocalIterator();
        IntStream.Builder lengths = IntStream.builder();
        int shard = 0;
        int all = 0;
        boolean heldOut = false;
        while (rows.hasNext()) {
            Row row = rows.next();
            if (row.getInt(0) != shard) {
                shards.add(new StorePlan.Shard(shard, lengths.build().toArray(), heldOut));
                shard = row.getInt(0);
                lengths = IntStream.builder();
                heldOut = false;
            }
            if (row.getString(2).equals(Part.TRAIN.text())) {
                lengths.add(row.getInt(3));
                if (trained != null) {
                    trained.set(all, ids.contains(row.getString(4)));
                }
                all++;
            } else {
                heldOut = true;
            }
        }
        shards.add(new StorePlan.Shard(shard, lengths.build().toArray(), heldOut));
        return new StorePlan(shards, trained);
    }

    /**
     * Refuses a budget with which the training would wait for ever.
     *
     * @param together shards that one step of the training may need
     */
    public void requireBudget(RollingUse use, int together) {
        long heldOut = use.heldOut().stream().mapToLong(this::expected).sum();
        long largest = use.shards().stream().mapToLong(this::expected).max().orElse(0);
        int count = Math.min(Math.max(together, writers), use.shards().size());
        long least = heldOut + count * largest;
        if (budget < least) {
            throw new RefusalException(String.format(Locale.ROOT,
                    "Invalid store.max_bytes: %,d (expected at least %,d: the held-out shards, and %d shards of %,d bytes, as many "
                            + "as are made or used at the same time; a smaller store.shard_tokens needs less)",
                    budget, least, count, largest));
        }
    }

    private long expected(int shard) {
        return planned.plan().bytesOf(planned.plan().shardTokens()[shard]);
    }

    /**
     * Makes shards until the budget is full of those that the training needs next.
     *
     * @return whether a shard was made
     */
    public boolean fill() throws IOException {
        boolean made = false;
        while (true) {
            RollingUse use = store.use().orElseThrow();
            Map<Integer, Long> present = store.present();
            long other = Math.max(0, store.bytes() - present.values().stream().mapToLong(Long::longValue).sum());
            RollingQueue.Turn turn =
                    new RollingQueue(use, this::expected, budget).next(store.position(), present, other, writers);
            if (turn.isEmpty()) {
                return made;
            }
            for (int shard : turn.evict()) {
                store.evict(shard);
            }
            capture.make(planned, turn.make());
            made = true;
        }
    }

    /**
     * Makes shards until the training has used all that it needs.
     *
     * @param patience how long nothing may happen
     * @throws IOException if no shard was used and none made for so long
     */
    public void run(Duration patience) throws IOException {
        long since = System.nanoTime();
        Optional<RollingPosition> seen = null;
        boolean settled = false;
        while (true) {
            Optional<RollingPosition> announced = store.announced();
            boolean moved = !announced.equals(seen);
            seen = announced;
            // Lists of 50,000 shards and files are read when the training has moved, and not at every look.
            if (moved || !settled) {
                RollingUse use = store.use().orElseThrow();
                // While a training takes the store over, one of the two files is still of the training before.
                settled = announced.isEmpty() || announced.get().training().equals(use.training());
                if (settled && announced.isPresent() && announced.get().use() >= use.uses()) {
                    break;
                }
                if (fill() || moved) {
                    since = System.nanoTime();
                }
            }
            if (System.nanoTime() - since > patience.toNanos()) {
                throw new IOException("No training has used a shard of " + store.uri() + " for " + patience.toMinutes()
                        + " minutes, and its budget is full (expected train to run beside; prepare goes on when it is run again)");
            }
            try {
                Thread.sleep(INTERVAL.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("Interrupted while waiting for the training");
            }
        }
        end();
    }

    /** Completes the store's manifest if every shard was made, and says what was done. */
    public void end() throws IOException {
        HiddenStateStore partial = HiddenStateStore.openPartial(store.uri(), configuration());
        planned.limit().require(partial.shards().stream().flatMap(s -> s.refused().stream()).toList());
        if (partial.missingShards().isEmpty()) {
            partial.complete();
        }
        console.printf(Locale.ROOT, "prepare: the training needs no more shards; %,d of %,d are evicted%n",
                store.evicted().size(), partial.shards().size());
        console.println("prepare: of the tasks' time, " + planned.times());
    }

    private Configuration configuration() {
        return capture.spark().sparkContext().hadoopConfiguration();
    }
}
