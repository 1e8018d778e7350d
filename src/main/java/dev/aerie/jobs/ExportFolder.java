package dev.aerie.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.files.Folder;
import dev.aerie.train.TrainedDraft;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * The folder that a draft is exported to. A draft's files have the same names as those of any model, so an export into another
 * model's folder would replace its weights. Each export therefore leaves a note, and only an empty folder or one with a note is
 * written to.
 */
final class ExportFolder {

    /** Describes the export; serving engines ignore it. */
    static final String NOTE = "aerie_export.json";

    private ExportFolder() {}

    /**
     * Refuses a folder with any other content, and writes the note before the first file of the draft.
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
        if (folder.exists("") && folder.status("").isFile()) {
            throw place.refused("a folder, not a file");
        }
        return folder.names("").stream().filter(name -> !name.startsWith(".")).toList();
    }
}
