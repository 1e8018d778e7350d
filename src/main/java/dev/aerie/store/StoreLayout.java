package dev.aerie.store;

import java.util.Locale;

/** All names in a store's folder. */
public final class StoreLayout {

    /** The settings of the store. */
    public static final String SETTINGS = "store.json";
    /** The markers of all shards of a complete store. */
    public static final String MANIFEST = "_manifest.json";
    /** The folder of markers, one per committed shard. */
    public static final String MARKERS = "_committed";
    public static final String SHARDS = "shards";
    /** The tokenised conversations, a Parquet table. */
    public static final String TOKENS = "tokens";
    /** The refused records and conversations with their reasons, a Parquet table. */
    public static final String QUARANTINE = "quarantine";
    /** The marker in a table's folder: its inputs and its files. */
    public static final String TABLE_MARKER = "_inputs.json";
    /** The number of records by outcome, and the fields that nothing reads. */
    public static final String INGEST_REPORT = "ingest.json";
    /** The number of times that each token is supervised. */
    public static final String VOCABULARY = "vocabulary.json";
    /** The recipe that the store was made with, for users. */
    public static final String RECIPE = "recipe.yaml";
    /** What a store was converted from; in no other. */
    public static final String CONVERSION = "conversion.json";
    /** The folder of the records of trainings that learn from the store. */
    public static final String TRAININGS = "trainings";
    /** In a store that was converted from one that conversations were removed from: the hashes of their content. */
    public static final String FORGOTTEN = "forgotten";
    /** The folder of what append and forget have made, a folder for each generation from the second on. */
    public static final String GENERATIONS = "generations";
    /** In a generation's folder: what it changes. */
    static final String GENERATION = "generation.json";

    /** The folder that makes a store a rolling one: which training its shards are made for, and how far that training is. */
    public static final String ROLLING = "_rolling";

    private StoreLayout() {}

    /** Returns the folder of a generation's own files: empty, the store's own, for the first. */
    public static String folder(int generation) {
        return generation == 1 ? "" : GENERATIONS + "/" + String.format(Locale.ROOT, "%05d", generation);
    }

    /** Returns the path of a file or folder of a generation. */
    public static String of(int generation, String name) {
        return generation == 1 ? name : folder(generation) + "/" + name;
    }
}
