package dev.aerie.store;

/** The names of what lies in a store's folder, all of them. */
public final class StoreLayout {

    /** What the store is made of. */
    public static final String SETTINGS = "store.json";
    /** The list of all shards of a finished store. */
    public static final String MANIFEST = "_manifest.json";
    /** One marker for each shard that counts. */
    public static final String MARKERS = "_committed";
    public static final String SHARDS = "shards";
    /** The tokenised conversations, a Parquet table. */
    public static final String TOKENS = "tokens";
    /** What was refused, and why, a Parquet table. */
    public static final String QUARANTINE = "quarantine";
    /** In the folder of a table: what it was made from, and its files. */
    public static final String TABLE_MARKER = "_inputs.json";
    /** What became of the records, and which of their fields nothing reads. */
    public static final String INGEST_REPORT = "ingest.json";
    /** How often each token is supervised. */
    public static final String VOCABULARY = "vocabulary.json";
    /** The recipe that the store was made by, for people. */
    public static final String RECIPE = "recipe.yaml";

    private StoreLayout() {}
}
