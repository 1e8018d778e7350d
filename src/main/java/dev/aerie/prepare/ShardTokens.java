package dev.aerie.prepare;

import dev.aerie.files.Folder;
import dev.aerie.store.InvalidStoreException;
import dev.aerie.store.Part;
import dev.aerie.text.TokenSequence;
import java.io.Closeable;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;

/**
 * Where the conversations of each shard are in a store's tokens table. For tasks, which read those of one shard.
 *
 * @param store its folder
 * @param files of the tables, below the store's folder, by the first shard in each
 */
record ShardTokens(String store, TreeMap<Integer, String> files) implements Serializable {

    /** Returns the conversations of a shard in the order of the plan; of the file, the pages of this shard alone are read. */
    Rows of(int shard, Configuration conf) throws IOException {
        Map.Entry<Integer, String> file = files.floorEntry(shard);
        if (file == null) {
            throw new IllegalArgumentException("Invalid shard: " + shard + " (expected one of the plan)");
        }
        Folder folder = Folder.at(store, conf);
        String name = file.getValue();
        return new Rows(new ParquetGroups(HadoopInputFile.fromPath(folder.path(name), conf), conf)
                .withFilter(FilterCompat.get(FilterApi.eq(FilterApi.intColumn("shard"), shard))).build(), folder, name, shard);
    }

    /** The conversations of a shard, read as they are asked for. */
    static final class Rows implements Iterator<TokenizedRow>, Closeable {

        private final ParquetReader<Group> reader;
        private final Folder store;
        private final String file;
        private final int shard;
        private Group next;
        private int place;

        private Rows(ParquetReader<Group> reader, Folder store, String file, int shard) throws IOException {
            this.reader = reader;
            this.store = store;
            this.file = file;
            this.shard = shard;
            try {
                this.next = reader.read();
                require(next != null, "no conversation of shard " + shard);
            } catch (IOException | RuntimeException e) {
                reader.close();
                throw e;
            }
        }

        private void require(boolean sound, String found) {
            if (!sound) {
                throw new InvalidStoreException("Invalid store " + store + ": " + file + " has " + found
                        + " (expected those of the plan in order; run prepare again)");
            }
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public TokenizedRow next() {
            if (next == null) {
                throw new NoSuchElementException();
            }
            int found = next.getInteger("place", 0);
            require(found == place, "place " + found + " of shard " + shard + " at " + place);
            place++;
            TokenizedRow row = new TokenizedRow(next.getLong("position", 0), next.getString("id", 0), next.getString("source", 0),
                    Part.of(next.getString("part", 0)), sequence(next));
            try {
                next = reader.read();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return row;
        }

        private static TokenSequence sequence(Group row) {
            Group ids = row.getGroup("input_ids", 0);
            Group mask = row.getGroup("loss_mask", 0);
            int[] inputIds = new int[ids.getFieldRepetitionCount(0)];
            boolean[] lossMask = new boolean[inputIds.length];
            for (int i = 0; i < inputIds.length; i++) {
                inputIds[i] = ids.getGroup(0, i).getInteger(0, 0);
                lossMask[i] = mask.getGroup(0, i).getBoolean(0, 0);
            }
            return new TokenSequence(inputIds, lossMask);
        }

        @Override
        public void close() throws IOException {
            reader.close();
        }
    }
}
