package dev.aerie.store;

/**
 * The content of {@code conversion.json} in a store that was converted from another: what it must be continued from.
 *
 * @param formatVersion {@link StoreSettings#FORMAT_VERSION}
 * @param source the store it was converted from, for users; it may have been moved since
 * @param sourceShards SHA-256 over the markers of all the source's shards
 * @param codec the source's
 * @param container the source's
 */
record ConversionRecord(int formatVersion, String source, String sourceShards, Codec codec, Container container) {

    ConversionRecord {
        StoreJson.present(source, "source");
        StoreJson.present(sourceShards, "source_shards");
        StoreJson.present(codec, "codec");
        StoreJson.present(container, "container");
    }
}
