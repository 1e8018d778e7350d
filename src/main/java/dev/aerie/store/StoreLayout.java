package dev.aerie.store;

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

    private StoreLayout() {}
}
