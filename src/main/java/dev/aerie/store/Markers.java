package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;

/** The folder {@code _committed} with one marker per committed shard. */
final class Markers {

    private static final Pattern NAME = Pattern.compile("shard-(\\d{5,9})\\.json");

    private static final int READERS = 16;
    private static final Duration LONGEST_READ = Duration.ofMinutes(10);

    private Markers() {}

    static String shardName(int shard) {
        return String.format(Locale.ROOT, "shard-%05d", shard);
    }

    static String path(int shard) {
        return path(StoreLayout.MARKERS, shard);
    }

    /** @param folder of the markers of the generation that made the shard */
    static String path(String folder, int shard) {
        return folder + "/" + shardName(shard) + ".json";
    }

    /** @throws InvalidStoreException if the marker is damaged */
    static CommittedShard read(Folder files, String folder, int shard) throws IOException {
        return find(files, folder, shard)
                .orElseThrow(() -> new FileNotFoundException(files.path(path(folder, shard)).toString()));
    }

    /**
     * Reads a marker if there is one.
     *
     * @throws InvalidStoreException if it is damaged
     */
    static Optional<CommittedShard> find(Folder files, String folder, int shard) throws IOException {
        String path = path(folder, shard);
        return files.read(path).map(json -> parse(json, files.path(path).toString(), shard));
    }

    /** Writes a shard's marker unless there is one, and returns the marker that exists afterwards. */
    static CommittedShard createOrRead(Folder files, String folder, CommittedShard mine) throws IOException {
        String path = path(folder, mine.shard());
        return parse(files.createOrRead(path, StoreJson.compact(mine)), files.path(path).toString(), mine.shard());
    }

    private static CommittedShard parse(byte[] json, String path, int shard) {
        CommittedShard marker = StoreJson.read(json, CommittedShard.class, "marker " + path);
        if (marker.shard() != shard) {
            throw new InvalidStoreException(
                    "Invalid marker " + path + ": shard is " + marker.shard() + " (expected " + shard + ")");
        }
        return marker;
    }

    /** Returns the numbers of the committed shards, without reading their markers. */
    static SortedMap<Integer, FileStatus> list(Folder files, String folder) throws IOException {
        SortedMap<Integer, FileStatus> out = new TreeMap<>();
        for (FileStatus status : files.list(folder)) {
            Matcher name = NAME.matcher(status.getPath().getName());
            if (name.matches()) {
                out.put(Integer.parseInt(name.group(1)), status);
            }
        }
        return out;
    }

    /** Reads every marker, many at a time: on an object store each takes a round trip of tens of milliseconds. */
    static List<CommittedShard> readAll(Folder files, String folder) throws IOException {
        ExecutorService threads = Executors.newFixedThreadPool(READERS, task -> {
            Thread thread = new Thread(task, "aerie-markers");
            thread.setDaemon(true);
            return thread;
        });
        try {
            List<Future<CommittedShard>> reading = new ArrayList<>();
            for (int shard : list(files, folder).keySet()) {
                reading.add(threads.submit(() -> read(files, folder, shard)));
            }
            List<CommittedShard> out = new ArrayList<>();
            for (Future<CommittedShard> marker : reading) {
                out.add(marker.get(LONGEST_READ.toSeconds(), TimeUnit.SECONDS));
            }
            return out;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            if (e.getCause() instanceof RuntimeException runtime) {
                throw runtime;
            }
            throw new IOException(e.getCause());
        } catch (TimeoutException e) {
            throw new IOException("Reading the markers of " + files.uri() + " made no progress for " + LONGEST_READ.toMinutes()
                    + " minutes", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Reading the markers of " + files.uri() + " was interrupted");
        } finally {
            threads.shutdownNow();
        }
    }
}
