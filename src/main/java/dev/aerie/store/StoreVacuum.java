package dev.aerie.store;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/**
 * Deletes from a store's folder what attempts that never committed have left, and what only generations name that held
 * conversations which were removed for good.
 *
 * <p>Nothing is deleted before it is older than a limit: an attempt that still writes changes its file, and a training may still
 * read a generation that was superseded a moment ago.
 */
public final class StoreVacuum {

    /** Tables that are written aside before they are moved, and files that are written under another name first. */
    private static final Pattern ASIDE = Pattern.compile("_(tokens|quarantine)-.*|\\..*");

    private final Folder files;
    private final Generations generations;

    private StoreVacuum(Folder files, Generations generations) {
        this.files = files;
        this.generations = generations;
    }

    /** @throws InvalidStoreException if there is no store or it is damaged */
    public static StoreVacuum of(String uri, Configuration conf) throws IOException {
        Folder files = Folder.at(uri, conf);
        HiddenStateStore.readSettings(files);
        return new StoreVacuum(files, Generations.of(files));
    }

    /**
     * What was deleted.
     *
     * @param names of files and folders below the store's folder
     * @param waiting whether files of superseded generations stay because these were superseded less long ago than the limit
     */
    public record Result(List<String> names, boolean waiting) {}

    /** Deletes what is older than a limit, also in a store that grows. */
    public Result run(Duration age) throws IOException {
        long latest = System.currentTimeMillis() - age.toMillis();
        List<String> deleted = new ArrayList<>();
        int kept = generations.afterForget();
        boolean waiting = kept > 1 && !isOlder(StoreLayout.of(kept, StoreLayout.MANIFEST), latest);
        if (!waiting) {
            for (String name : superseded()) {
                if (files.exists(name)) {
                    files.delete(name);
                    deleted.add(name);
                }
            }
        }
        // Listed before the markers are read: a shard that is committed in between has a marker, and is no orphan.
        List<String> listed = shards(files);
        for (String name : orphans(listed, HiddenStateStore.open(files, generations, generations.newest()))) {
            if (files.exists(name) && isOlder(name, latest)) {
                files.delete(name);
                deleted.add(name);
            }
        }
        return new Result(deleted, waiting);
    }

    /** Returns the names below the store's folder of what no generation names. */
    static List<String> orphans(HiddenStateStore store) throws IOException {
        List<String> listed = shards(store.files());
        HiddenStateStore current = store.current();
        return new StoreVacuum(store.files(), Generations.of(store.files())).orphans(listed, current);
    }

    private static List<String> shards(Folder files) throws IOException {
        return files.list(StoreLayout.SHARDS).stream().map(f -> f.getPath().getName()).toList();
    }

    /** Returns what only generations before the last forget name, manifests first: without one, a generation cannot be opened. */
    private Set<String> superseded() throws IOException {
        Set<String> names = new LinkedHashSet<>();
        Set<String> shards = new LinkedHashSet<>();
        Set<String> markers = new LinkedHashSet<>();
        int kept = generations.afterForget();
        Set<String> live = liveTables();
        for (int n = 1; n < kept; n++) {
            names.add(StoreLayout.of(n, StoreLayout.MANIFEST));
        }
        for (int n = 1; n < kept; n++) {
            String folder = StoreLayout.of(n, StoreLayout.MARKERS);
            for (CommittedShard shard : Markers.readAll(files, folder)) {
                if (!generations.markers(generations.newest(), shard.shard()).equals(folder)) {
                    shards.add(shard.path());
                    markers.add(Markers.path(folder, shard.shard()));
                }
            }
            tables(n).all().stream().filter(table -> !live.contains(table)).forEach(shards::add);
        }
        names.addAll(shards);
        names.addAll(markers);
        return names;
    }

    private StoreTables tables(int generation) {
        return generation == 1 ? StoreTables.FIRST : generations.get(generation).tables();
    }

    /** Returns the tables of all generations that can be opened, and of the one that was begun. */
    private Set<String> liveTables() {
        Set<String> live = new HashSet<>();
        for (int n = generations.afterForget(); n <= generations.newest(); n++) {
            live.addAll(tables(n).all());
        }
        generations.pending().ifPresent(begun -> live.addAll(begun.tables().all()));
        return live;
    }

    /**
     * Returns what no generation names.
     *
     * @param opened after listing the shards
     */
    private List<String> orphans(List<String> listed, HiddenStateStore opened) throws IOException {
        List<String> out = new ArrayList<>();
        Set<String> named = namedShards(opened);
        listed.stream().filter(name -> !named.contains(name)).forEach(name -> out.add(StoreLayout.SHARDS + "/" + name));
        int begun = generations.newest() + (generations.pending().isPresent() ? 1 : 0);
        for (int n = 1; n <= begun; n++) {
            String markers = StoreLayout.of(n, StoreLayout.MARKERS);
            files.list(markers).stream().map(f -> f.getPath().getName()).filter(name -> name.startsWith("."))
                    .forEach(name -> out.add(markers + "/" + name));
        }
        files.names("").stream().filter(name -> ASIDE.matcher(name).matches()).forEach(out::add);
        Set<String> tables = Stream.concat(liveTables().stream(),
                Stream.iterate(1, n -> n <= generations.newest(), n -> n + 1).flatMap(n -> tables(n).all().stream()))
                .collect(Collectors.toSet());
        for (String generation : files.names(StoreLayout.GENERATIONS)) {
            String folder = StoreLayout.GENERATIONS + "/" + generation;
            for (String name : files.names(folder)) {
                String path = folder + "/" + name;
                boolean attempt = name.startsWith(".") || name.matches("(tokens|quarantine|vocabulary|forgotten)-[0-9a-f]+(\\.json)?");
                if (attempt && !tables.contains(path)) {
                    out.add(path);
                }
            }
        }
        return out;
    }

    /** Returns the names of the files of all generations, deleted ones apart, and of the one that was begun. */
    private Set<String> namedShards(HiddenStateStore open) throws IOException {
        Set<String> named = new HashSet<>();
        open.shards().forEach(shard -> named.add(shard.file()));
        for (int n = 1; n <= generations.newest(); n++) {
            boolean there = n == generations.newest() || files.exists(StoreLayout.of(n, StoreLayout.MANIFEST));
            if (n != open.generation() && there) {
                HiddenStateStore.open(files, generations, n).shards().forEach(shard -> named.add(shard.file()));
            }
        }
        if (generations.pending().isPresent()) {
            String markers = StoreLayout.of(generations.pending().get().generation(), StoreLayout.MARKERS);
            Markers.readAll(files, markers).forEach(shard -> named.add(shard.file()));
        }
        return named;
    }

    private boolean isOlder(String name, long latest) throws IOException {
        FileStatus status = files.status(name);
        long changed = status.getModificationTime();
        if (status.isDirectory()) {
            changed = files.list(name).stream().mapToLong(FileStatus::getModificationTime).max().orElse(changed);
        }
        return changed <= latest;
    }
}
