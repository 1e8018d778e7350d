package dev.aerie.store;

import dev.aerie.files.Folder;
import dev.aerie.files.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/**
 * A file in {@code trainings/}: a training that learns from the store, so that it is known what learned from a conversation when
 * that is removed.
 *
 * @param formatVersion {@link StoreSettings#FORMAT_VERSION}
 * @param output URI of the training's folder
 * @param generation of the store that it reads
 * @param part whether it reads a part of the conversations only
 * @param step optimizer steps done when the file was written last; 0 if the training was only begun
 */
public record TrainingRecord(int formatVersion, String output, int generation, boolean part, long step) {

    public TrainingRecord {
        StoreJson.present(output, "output");
    }

    /** A record in this version's format. */
    public static TrainingRecord of(String output, int generation, boolean part, long step) {
        return new TrainingRecord(StoreSettings.FORMAT_VERSION, output, generation, part, step);
    }

    /** Writes or replaces the record of a training's output and generation. */
    public void write(String store, Configuration conf) throws IOException {
        String name = Sha256.of(output.getBytes(StandardCharsets.UTF_8)).substring(0, 16)
                + String.format(Locale.ROOT, "-%05d.json", generation);
        Folder.at(store, conf).write(StoreLayout.TRAININGS + "/" + name, StoreJson.pretty(this));
    }

    /** Returns the records of a store, by the names of their files. */
    public static List<TrainingRecord> all(String store, Configuration conf) throws IOException {
        Folder files = Folder.at(store, conf);
        List<TrainingRecord> out = new ArrayList<>();
        for (FileStatus file : files.list(StoreLayout.TRAININGS)) {
            String path = StoreLayout.TRAININGS + "/" + file.getPath().getName();
            if (path.endsWith(".json") && !file.getPath().getName().startsWith(".")) {
                out.add(StoreJson.read(files.read(path).orElseThrow(), TrainingRecord.class, path + " of store " + files.uri()));
            }
        }
        return out;
    }

    /** As a person reads it. */
    @Override
    public String toString() {
        return output + " (" + (part ? "a part of " : "") + "generation " + generation + ", step " + step + ")";
    }
}
