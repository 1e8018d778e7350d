package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_HELD_OUT_COUNT;
import static dev.aerie.jobs.RecipeKeys.STORE_CODEC;
import static dev.aerie.jobs.RecipeKeys.STORE_CONTAINER;
import static dev.aerie.jobs.RecipeKeys.STORE_SHARD_TOKENS;
import static dev.aerie.jobs.RecipeKeys.TRAIN_EPOCHS;

import dev.aerie.store.Container;
import java.util.List;
import java.util.Locale;

/**
 * The objects, metadata, requests and dollars of a planned store on S3.
 *
 * @param shards number of shards
 * @param objects everything in the store's folder
 * @param manifestBytes of _manifest.json, about those of all markers together
 * @param heapBytes most that the driver keeps of the plan or of the open store, beside Spark's own
 * @param writes requests at the price of a PUT that prepare makes
 * @param reads requests at the price of a GET that prepare makes, and each epoch of a training
 */
record StoreOnS3(RunPlan plan, long shards, long objects, long manifestBytes, long heapBytes, long writes, Reads reads) {

    // S3 Standard in us-east-1, the public list price for the first 50 TB, as quoted in 2025; a PUT, a GET, a gigabyte's month.
    private static final double PUT_DOLLARS = 0.005 / 1000;
    private static final double GET_DOLLARS = 0.0004 / 1000;
    private static final double GIGABYTE_MONTH_DOLLARS = 0.023;

    /** The default of fs.s3a.multipart.size. */
    private static final long PART_BYTES = 64L << 20;

    // As jobs/bench store-scale writes them: a marker, and in it each conversation.
    private static final int MARKER_BYTES = 260;
    private static final int CONVERSATION_BYTES = 80;

    // The driver while it plans (summaries, plan), and with the store open (packed entries with ids of 16 bytes).
    private static final int PLANNING_BYTES = 20 + 16;
    private static final int ENTRY_BYTES = 17 + 16;
    private static final int SHARD_HEAP_BYTES = 600;

    /** Of PlannedTokens and ShardPlan, by which prepare deals shards into files and prompts into shards. */
    private static final int SHARDS_PER_TOKENS_FILE = 16;
    private static final int HELD_OUT_PER_SHARD = 16;

    /** store.json, the manifest, the vocabulary, the report, the recipe, two tables' markers, the quarantine. */
    private static final int OTHER_OBJECTS = 8;

    /** Opening, completing and moving a file of the tokens table: create, copy, delete. */
    private static final int WRITES_OF_A_TOKENS_FILE = 3;

    /** Of a task that makes a shard: store.json and marker, length, footer and indexes of its tokens' file, and its pages. */
    private static final int READS_OF_A_TASK = 8;

    /** Length, footer and indexes of a shard that a rank opens. */
    private static final int READS_TO_OPEN = 4;

    record Reads(long prepare, long epoch) {}

    static StoreOnS3 of(RunPlan plan) {
        RunPlan.Assumed assumed = plan.assumed();
        long perShard = STORE_SHARD_TOKENS.of(plan.recipe());
        // A shard is closed by the conversation that does not fit: half a conversation is left, on average.
        double filled = Math.max(Math.min(perShard, assumed.length()), perShard - assumed.length() / 2.0);
        long heldOut = (DATA_HELD_OUT_COUNT.of(plan.recipe()) + HELD_OUT_PER_SHARD - 1) / HELD_OUT_PER_SHARD;
        long shards = (long) Math.ceil(assumed.tokens() / filled) + heldOut;
        long tokensFiles = (shards + SHARDS_PER_TOKENS_FILE - 1) / SHARDS_PER_TOKENS_FILE;
        long parts = (plan.storeBytes() / shards + PART_BYTES - 1) / PART_BYTES;
        // A file of one part is one PUT; of more, the upload is begun and completed too. Then comes the marker.
        long writes = shards * ((parts == 1 ? 1 : parts + 2) + 1) + WRITES_OF_A_TOKENS_FILE * tokensFiles + OTHER_OBJECTS;
        // In Parquet the planes of a conversation lie apart, each one range; in Arrow a batch holds them side by side.
        long ranges = STORE_CONTAINER.of(plan.recipe()) == Container.ARROW ? 1
                : 1 + (long) (plan.layers().size() + 1) * STORE_CODEC.of(plan.recipe()).planes().size();
        Reads reads = new Reads(shards * READS_OF_A_TASK, shards * READS_TO_OPEN + assumed.conversations() * ranges);
        return new StoreOnS3(plan, shards, 2 * shards + tokensFiles + OTHER_OBJECTS,
                shards * MARKER_BYTES + assumed.conversations() * CONVERSATION_BYTES,
                assumed.conversations() * Math.max(PLANNING_BYTES, ENTRY_BYTES) + shards * SHARD_HEAP_BYTES, writes, reads);
    }

    /** Returns the dollars of making the store's objects. */
    double writeDollars() {
        return writes * PUT_DOLLARS + reads.prepare() * GET_DOLLARS;
    }

    /** Returns the dollars of reading it by a training. */
    double trainDollars() {
        return TRAIN_EPOCHS.of(plan.recipe()) * reads.epoch() * GET_DOLLARS;
    }

    double monthDollars() {
        return plan.storeBytes() / 1e9 * GIGABYTE_MONTH_DOLLARS;
    }

    /** Returns lines for the user. */
    List<String> lines() {
        return List.of(
                text("%,d shards, %,d objects, a manifest of %s; at most %s of the driver's heap beside Spark's", shards, objects,
                        RunPlan.si(manifestBytes, "B"), RunPlan.si(heapBytes, "B")),
                text("on S3: prepare %,d PUT and %,d GET, $%.2f; an epoch %,d GET, train $%.2f; a month of the store $%,.0f",
                        writes, reads.prepare(), writeDollars(), reads.epoch(), trainDollars(), monthDollars()));
    }

    /** Returns the row of docs/scale.md. */
    String row(String target) {
        return text("| %s | %s | %,d | %,d | %s | %s | %s | %,d | %,d | %.2f | %,d | %.2f | %,.0f | %s | %s |", target,
                STORE_CODEC.of(plan.recipe()).name(), shards, objects, RunPlan.si(plan.storeBytes(), "B"),
                RunPlan.si(manifestBytes, "B"), RunPlan.si(heapBytes, "B"), writes, reads.prepare(), writeDollars(),
                reads.epoch(), trainDollars(), monthDollars(), plan.prepareHours(), plan.trainHours());
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
