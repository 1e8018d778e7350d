package dev.aerie.jobs;

import dev.aerie.files.Folder;
import dev.aerie.store.StoreLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;

/** Prints the effective recipe at the start of a job and keeps it as {@code recipe.yaml} beside the job's output. */
final class KeptRecipe {

    private KeptRecipe() {}

    static void print(Recipe recipe) {
        System.out.println("recipe in effect:");
        recipe.effective().lines().forEach(line -> System.out.println("  " + line));
    }

    /** @param folder on any Hadoop file system */
    static void keep(Recipe recipe, String folder, Configuration conf) throws IOException {
        Folder.at(folder, conf).write(StoreLayout.RECIPE, recipe.effective().getBytes(StandardCharsets.UTF_8));
    }
}
