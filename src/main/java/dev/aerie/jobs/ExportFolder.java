package dev.aerie.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.files.Folder;
import dev.aerie.train.TrainedDraft;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The folder that a draft is exported to. A draft's files have the names of every model's: in a folder with a model of somebody
 * else an export would replace its weights. So a note stays beside each export, and only its folder is written to again.
 */
final class ExportFolder {

    /** Says what was exported; no serving engine reads it. */
    static final String NOTE = "aerie_export.json";

    private ExportFolder() {}

    /**
     * Refuses a folder that holds anything else, and leaves the note there, before the first file of the draft.
     *
     * @throws RecipeException naming what is there
     */
    static void claim(Place place, Folder folder, TrainedDraft draft) throws IOException {
        List<String> there = names(place, folder);
        if (!there.isEmpty() && !there.contains(NOTE)) {
            throw place.refused("an empty folder, or one with an earlier export, which has " + NOTE + "; this one has "
                    + String.join(", ", there.subList(0, Math.min(5, there.size()))) + (there.size() > 5 ? ", ..." : ""));
        }
        folder.write(NOTE, new ObjectMapper().writeValueAsBytes(Map.of("training", draft.toString(), "step", draft.step())));
    }

    private static List<String> names(Place place, Folder folder) throws IOException {
        try {
            Path root = new Path(folder.uri());
            FileSystem files = root.getFileSystem(folder.conf());
            if (files.getFileStatus(root).isFile()) {
                throw place.refused("a folder, not a file");
            }
            return Arrays.stream(files.listStatus(root)).map(f -> f.getPath().getName()).filter(n -> !n.startsWith("."))
                    .sorted().toList();
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }
}
