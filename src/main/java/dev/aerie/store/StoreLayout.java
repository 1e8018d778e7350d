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

    private StoreLayout() {}
}
