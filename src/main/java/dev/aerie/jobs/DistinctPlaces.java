package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.DATA_INPUTS;
import static dev.aerie.jobs.RecipeKeys.DATA_TEMPLATE;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_DRAFT;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_OUTPUT;
import static dev.aerie.jobs.RecipeKeys.EVALUATE_PROMPTS_PATH;
import static dev.aerie.jobs.RecipeKeys.EXPORT_OUTPUT;
import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;
import static dev.aerie.jobs.RecipeKeys.TRAIN_OUTPUT;

import dev.aerie.files.Scheme;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobPattern;
import org.apache.hadoop.fs.Path;

/**
 * Refuses outputs that coincide with each other or with inputs: an export into the target's folder would replace its weights, and
 * a checkpoint among a store's files would be deleted as an orphan. Paths are compared absolute, with the default file system,
 * and with links resolved.
 */
final class DistinctPlaces {

    private static final RecipeKey<?>[] OUTPUTS = {STORE_PATH, TRAIN_OUTPUT, EXPORT_OUTPUT, EVALUATE_OUTPUT};
    private static final RecipeKey<?>[] INPUTS =
            {TARGET_MODEL, DATA_INPUTS, DATA_TEMPLATE, EVALUATE_PROMPTS_PATH, EVALUATE_DRAFT};

    private final Configuration conf;

    DistinctPlaces(Configuration conf) {
        this.conf = conf;
    }

    /** @throws RecipeException naming both keys */
    void require(Recipe recipe) {
        List<Place> outputs = Place.of(recipe, OUTPUTS);
        for (int i = 0; i < outputs.size(); i++) {
            Place output = outputs.get(i);
            for (Place other : outputs.subList(0, i)) {
                require(output, other);
            }
            for (Place input : Place.of(recipe, INPUTS)) {
                boolean exported = input.name().endsWith(EVALUATE_DRAFT.path()) && output.name().endsWith(EXPORT_OUTPUT.path());
                if (!exported) {
                    refuse(output, input, reads(input, output), within(fixed(path(input)), path(output)));
                }
            }
        }
    }

    /** @throws RecipeException naming both, if one is or contains the other */
    void require(Place output, Place other) {
        refuse(output, other, within(path(output), path(other)), within(path(other), path(output)));
    }

    private static void refuse(Place output, Place other, boolean inside, boolean contains) {
        if (inside || contains) {
            String how = inside && contains ? "is the place of" : inside ? "lies within" : "contains";
            throw output.refused("a folder of its own: it " + how + " " + other.name().replace("recipe key ", "") + ", \""
                    + other.uri() + "\"");
        }
    }

    /** Returns whether the output is, or lies in, what an input's path or glob names. */
    private boolean reads(Place input, Place output) {
        Path from = path(input);
        if (!isGlob(from)) {
            return within(path(output), from);
        }
        for (Path p = path(output); p != null; p = p.getParent()) {
            if (p.depth() == from.depth() && matches(from, p)) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(Path glob, Path path) {
        if (!sameFileSystem(glob, path)) {
            return false;
        }
        Path g = glob;
        Path p = path;
        while (g.getParent() != null) {
            try {
                if (!new GlobPattern(g.getName()).matches(p.getName())) {
                    return false;
                }
            } catch (PatternSyntaxException e) {
                return false;
            }
            g = g.getParent();
            p = p.getParent();
        }
        return true;
    }

    private static boolean isGlob(Path path) {
        return path.toUri().getPath().chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }

    /** Returns a path up to its first pattern: everything that a glob finds lies there. */
    private static Path fixed(Path path) {
        Path fixed = path;
        while (isGlob(fixed)) {
            fixed = fixed.getParent();
        }
        return fixed;
    }

    private static boolean within(Path path, Path folder) {
        if (!sameFileSystem(path, folder)) {
            return false;
        }
        String in = folder.toUri().getPath();
        String what = path.toUri().getPath();
        return what.equals(in) || what.startsWith(in.endsWith("/") ? in : in + "/");
    }

    private static boolean sameFileSystem(Path a, Path b) {
        return Scheme.fileSystem(a.toUri()).equals(Scheme.fileSystem(b.toUri()));
    }

    private Path path(Place place) {
        URI defaults = place.isOnThisHost() ? URI.create("file:///") : FileSystem.getDefaultUri(conf);
        Path written = new Path(place.uri());
        if (Scheme.of(written.toUri().isAbsolute() ? written.toUri() : defaults) == Scheme.LOCAL) {
            return new Path("file", "", resolved(new File(written.toUri().getPath())));
        }
        Path home = new Path("/user/" + System.getProperty("user.name"));
        return new Path(normal(written.makeQualified(defaults, home)));
    }

    /** Resolves links of the part of the path that exists. */
    private static String resolved(File file) {
        try {
            return file.getCanonicalPath();
        } catch (IOException e) {
            return file.toPath().toAbsolutePath().normalize().toString();
        }
    }

    private static URI normal(Path path) {
        return path.toUri().normalize();
    }
}
