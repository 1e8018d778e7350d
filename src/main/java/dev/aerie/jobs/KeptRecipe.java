package dev.aerie.jobs;

import dev.aerie.files.Folder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;

/** The recipe in effect: printed at the start of a job, and kept as {@code recipe.yaml} beside what the job makes. */
final class KeptRecipe {

    private static final String FILE = "recipe.yaml";

    private KeptRecipe() {}

    static void print(Recipe recipe) {
        System.out.println("recipe in effect:");
        recipe.effective().lines().forEach(line -> System.out.println("  " + line));
    }

    /** @param folder on any Hadoop file system */
    static void keep(Recipe recipe, String folder, Configuration conf) throws IOException {
        Folder.at(folder, conf).write(FILE, recipe.effective().getBytes(StandardCharsets.UTF_8));
    }
}
