package dev.aerie.host;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;

/**
 * A model that every host of a job can read. The driver creates it, and tasks receive it in their settings.
 *
 * <p>Weights are memory-mapped, so a model on another file system is copied first: once per host, whatever the number of
 * processes and threads that need it. A task that finds other content than the driver fails, because the driver has checked and
 * fingerprinted the former content.
 *
 * @param uri an absolute path of every host, or a URI of any Hadoop file system
 * @param identity of the content that the driver found; null for a model that is used in place
 * @param cache the cache for the copy
 */
public record HostModel(String uri, String identity, ModelCache cache) implements Serializable {

    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:.*");

    /**
     * Finds a model and the identity of its current content.
     *
     * @param model a path or a URI of any Hadoop file system
     * @throws dev.aerie.errors.RefusalException if it is remote and does not exist
     */
    public static HostModel find(String model, ModelCache cache, Configuration conf) throws IOException {
        if (isLocal(model)) {
            return new HostModel(local(model).toString(), null, cache);
        }
        return new HostModel(model, SourceModel.list(model, conf).identity(), cache);
    }

    /** Returns a model in a folder that every host has. */
    public static HostModel at(Path folder) {
        return new HostModel(local(folder.toString()).toString(), null, ModelCache.USUAL);
    }

    /** Returns whether a model is used in place: its path has no scheme, or is a file URI. */
    public static boolean isLocal(String model) {
        return model.startsWith("file:") || !SCHEME.matcher(model).matches();
    }

    private static Path local(String model) {
        String path = model.startsWith("file:") ? new org.apache.hadoop.fs.Path(model).toUri().getPath() : model;
        return Path.of(path).toAbsolutePath().normalize();
    }

    /**
     * Returns the folder with the model's files on this host. A copy stays as long as this process lives.
     *
     * @throws dev.aerie.errors.RefusalException if there is no such model, or no room for its copy
     * @throws IOException if it cannot be read, has changed since it was found, or no byte of it arrived for ten minutes
     */
    public Path folder(Configuration conf) throws IOException {
        if (identity == null) {
            return Path.of(uri);
        }
        SourceModel source = SourceModel.list(uri, conf);
        if (!source.identity().equals(identity)) {
            throw new IOException("The files of " + source.uri() + " have changed since this job began");
        }
        return cache.copies().folder(source);
    }

    /** Reads something of a folder. */
    public interface FolderReader<T> {
        T read(Path folder) throws IOException;
    }

    /**
     * Lets a caller that asks what a model would take read its config.json: in its own folder where it lies on this host, else
     * in a temporary one with nothing else, which is deleted afterwards.
     *
     * @throws dev.aerie.errors.RefusalException if it is elsewhere and there is no such model
     */
    public static <T> T readConfiguration(String model, Configuration conf, FolderReader<T> reader) throws IOException {
        if (isLocal(model)) {
            return reader.read(local(model));
        }
        SourceModel source = SourceModel.list(model, conf);
        Path folder = Files.createTempDirectory("aerie-model");
        Path file = folder.resolve(ModelFiles.CONFIG);
        try (InputStream in = source.files().open(source.present().get(ModelFiles.CONFIG).getPath())) {
            Files.copy(in, file);
            return reader.read(folder);
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }
}
