package dev.aerie.jobs;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of commands that read a recipe. */
final class RecipeOptions {

    @Option(names = "--config", required = true, paramLabel = "FILE", description = "The recipe; docs/recipe.md lists its keys.")
    private Path config;

    @Option(names = "--set", paramLabel = "SECTION.KEY=VALUE", description = "Overrides one key of the recipe; may be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Mixin
    private CommonOptions common;

    Recipe recipe() {
        return Recipe.read(config, overrides);
    }
}
