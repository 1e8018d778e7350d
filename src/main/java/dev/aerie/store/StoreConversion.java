package dev.aerie.store;

import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Writes a complete store again in another folder, with another codec or container, shard by shard.
 *
 * <p>Plan, fingerprints, conversations and refused conversations are the source's. A shard of the source is compared with its
 * SHA-256 before it is converted, and what was written is read again and compared before its marker makes it count. A conversion
 * that was stopped continues with the shards that have no marker.
 */
public final class StoreConversion {

    private final HiddenStateStore from;
    private final HiddenStateStore to;
    private final StateConversion conversion;

    private StoreConversion(HiddenStateStore from, HiddenStateStore to) {
        this.from = from;
        this.to = to;
        this.conversion = new StateConversion(
                from.settings().states().codec(), to.settings().states().codec(), from.settings().states().hiddenSize());
    }

    /**
     * Begins a conversion or continues one.
     *
     * @param from complete
     * @param uri of a folder that is new, empty, or holds an earlier attempt at the same conversion
     * @throws InvalidStoreException if the folder holds anything else, or there is nothing to convert
     */
    public static StoreConversion begin(HiddenStateStore from, String uri, Configuration conf, Codec codec, Container container)
            throws IOException {
        from.requireComplete();
        StoreSettings settings = from.settings();
        StateLayout states = settings.states();
        if (states.codec().equals(codec) && states.container() == container) {
            throw new InvalidStoreException("Invalid conversion of store " + from.uri() + ": it is " + codec.name() + " in "
                    + container.text() + " (expected another codec or container)");
        }
        Folder target = Folder.at(uri, conf);
        ConversionRecord mine = new ConversionRecord(StoreSettings.FORMAT_VERSION, from.uri(), markers(from), states.codec(),
                states.container());
        if (target.read(StoreLayout.CONVERSION).isEmpty() && !target.names("").isEmpty()) {
            throw new InvalidStoreException("Invalid folder for a conversion: " + target.uri() + " holds "
                    + target.names("").get(0) + " (expected a folder that is new, empty, or of the same conversion)");
        }
        byte[] standing = target.createOrRead(StoreLayout.CONVERSION, StoreJson.pretty(mine));
        requireSame(mine, StoreJson.read(standing, ConversionRecord.class, StoreLayout.CONVERSION + " of " + target.uri()), target);
        StoreSettings converted = settings.with(new StateLayout(
                states.hiddenSize(), states.captureLayers(), states.teacherRows(), codec, container));
        return new StoreConversion(from, HiddenStateStore.create(uri, conf, converted));
    }

    private static String markers(HiddenStateStore store) throws IOException {
        Sha256 sha = new Sha256();
        StoreJson.compact(store.shards(), new OutputStream() {
            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] b, int offset, int length) {
                sha.add(b, offset, length);
            }
        });
        return sha.hex();
    }

    private static void requireSame(ConversionRecord mine, ConversionRecord found, Folder target) {
        boolean same = found.sourceShards().equals(mine.sourceShards()) && found.codec().equals(mine.codec())
                && found.container() == mine.container();
        if (!same) {
            throw new InvalidStoreException("Invalid folder for a conversion: " + target.uri() + " holds a conversion of "
                    + found.source() + ", whose shards are others (expected one of " + mine.source() + ")");
        }
    }

    /** Returns whether every state is converted to the same number. */
    public boolean isLossless() {
        return conversion.isLossless();
    }

    /** Returns what is to be done with the shards that are not converted yet, for any process and in any order. */
    public List<ShardConversion> missing() {
        return to.missingShards().stream().map(number -> from.shards().get(number))
                .map(shard -> new ShardConversion(from.uri(), from.generation(), shard.shard(), shard.sha256(), to.uri())).toList();
    }

    /**
     * Copies the tables and files beside the shards, and completes the store.
     *
     * @return the complete store
     * @throws InvalidStoreException if a shard is not converted
     */
    public HiddenStateStore finish() throws IOException {
        copy(StoreLayout.INGEST_REPORT, StoreLayout.INGEST_REPORT);
        copy(StoreLayout.RECIPE, StoreLayout.RECIPE);
        StoreTables tables = from.tables();
        copy(tables.vocabulary(), StoreLayout.VOCABULARY);
        copyTables(tables.tokens(), StoreLayout.TOKENS);
        copyTables(tables.quarantine(), StoreLayout.QUARANTINE);
        copyTables(tables.forgotten(), StoreLayout.FORGOTTEN);
        HiddenStateStore complete = to.complete();
        complete.removeOrphans();
        return complete;
    }

    /** Copies the tables of the source's generation, which together become one of the first generation. */
    private void copyTables(List<String> tables, String name) throws IOException {
        // The marker says that the table is whole, and is that of one table only.
        boolean marked = tables.size() == 1 && from.files().exists(tables.get(0) + "/" + StoreLayout.TABLE_MARKER);
        for (String table : tables) {
            for (String file : from.files().names(table)) {
                if (!file.startsWith(".") && !file.equals(StoreLayout.TABLE_MARKER)) {
                    copy(table + "/" + file, name + "/" + file);
                }
            }
        }
        if (marked) {
            copy(tables.get(0) + "/" + StoreLayout.TABLE_MARKER, name + "/" + StoreLayout.TABLE_MARKER);
        }
    }

    /** Copies a file that the source has and the target lacks. */
    private void copy(String name, String as) throws IOException {
        if (from.files().exists(name) && !to.files().exists(as)) {
            try (InputStream in = from.files().open(name)) {
                to.files().write(as, in::transferTo);
            }
        }
    }
}
