package dev.aerie.jobs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;

/** Looks at the places that a recipe names before there is anything to lose. */
final class Locations {

    private Locations() {}

    /** @throws RecipeException if no file system answers to the URI of a key that is set */
    static void requireKnown(Recipe recipe, Configuration conf, String... keys) throws IOException {
        for (String key : keys) {
            if (recipe.has(key)) {
                fileSystem(recipe, key, conf);
            }
        }
    }

    /**
     * Makes a folder and writes a file there that it deletes again: a store that cannot be written is otherwise found out when
     * all conversations have been read.
     *
     * @throws RecipeException if the folder cannot be made or written to
     */
    static void requireWritable(Recipe recipe, String key, Configuration conf) throws IOException {
        FileSystem files = fileSystem(recipe, key, conf);
        Path folder = new Path(recipe.text(key));
        Path probe = new Path(folder, "_writable-" + UUID.randomUUID());
        try {
            if (!files.mkdirs(folder)) {
                throw new FileNotFoundException("it cannot be made");
            }
            files.create(probe, false).close();
            files.delete(probe, false);
        } catch (ParentNotDirectoryException | FileAlreadyExistsException | FileNotFoundException | AccessControlException e) {
            throw recipe.contradiction(key, "a folder that can be written to: " + e.getMessage());
        }
    }

    private static FileSystem fileSystem(Recipe recipe, String key, Configuration conf) throws IOException {
        try {
            FileSystem files = new Path(recipe.text(key)).getFileSystem(conf);
            // The checksummed one would leave a hidden .crc file.
            return files instanceof LocalFileSystem local ? local.getRawFileSystem() : files;
        } catch (UnsupportedFileSystemException | IllegalArgumentException e) {
            throw recipe.contradiction(key, "a path or URI of a file system that is there: " + e.getMessage());
        }
    }
}
