package dev.aerie.jobs;

import dev.aerie.files.Folder;
import dev.aerie.files.Scheme;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;

/**
 * Checks the places that a user named before any work, and names the recipe key in its messages.
 *
 * <p>One file of every file system is looked up. Hadoop's clients retry failures: an S3 at a wrong address for three minutes in
 * each call, a name node with a hanging connection for fifteen. That is right during a run and wrong at its start, when the cause
 * is usually a setting.
 */
final class Places {

    /** Limit for waits without a setting below, such as those for further name nodes of a cluster. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final List<String[]> IMPATIENT = List.of(
            new String[] {"fs.s3a.attempts.maximum", "1"},
            new String[] {"fs.s3a.retry.limit", "2"},
            new String[] {"fs.s3a.connection.establish.timeout", "15s"},
            new String[] {"fs.s3a.connection.timeout", "15s"},
            new String[] {"fs.s3a.connection.request.timeout", "15s"},
            new String[] {"ipc.client.connect.max.retries", "2"},
            new String[] {"ipc.client.connect.max.retries.on.timeouts", "1"},
            new String[] {"ipc.client.connect.timeout", "5000"},
            new String[] {"ipc.client.rpc-timeout.ms", "15000"});

    private Places() {}

    /** @throws RecipeException if a job would write where another one does, or where something is read from */
    static void requireApart(Recipe recipe, Configuration conf) {
        new DistinctPlaces(conf).require(recipe);
    }

    /**
     * @param places need not exist yet; local ones are skipped
     * @throws RecipeException in one sentence, if a file system is unknown, does not respond, or refuses access
     */
    static void requireReachable(Configuration conf, List<Place> places) throws IOException {
        Configuration impatient = new Configuration(conf);
        IMPATIENT.forEach(setting -> impatient.set(setting[0], setting[1]));
        Set<URI> asked = new HashSet<>();
        for (Place place : places) {
            Path path = new Path(place.uri());
            URI full = path.toUri().isAbsolute() ? path.toUri() : FileSystem.getDefaultUri(conf);
            if (!place.isOnThisHost() && Scheme.of(full) != Scheme.LOCAL && asked.add(full.resolve("/"))) {
                ask(place, path, full, impatient);
            }
        }
    }

    /**
     * Creates a folder and writes and deletes a file in it: otherwise a store that is not writable would be noticed only after
     * all conversations have been read.
     *
     * @throws RecipeException if the folder cannot be made or written to
     */
    static void requireWritable(Place place, Configuration conf) throws IOException {
        Folder folder = Folder.at(place.uri(), conf);
        try {
            folder.requireWritable();
        } catch (ParentNotDirectoryException | FileAlreadyExistsException | FileNotFoundException | AccessControlException e) {
            throw place.refused("a folder that can be written to: " + e.getMessage());
        }
    }

    private static void ask(Place place, Path path, URI full, Configuration conf) throws IOException {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try (FileSystem files = FileSystem.newInstance(full, conf)) {
                files.getFileStatus(path);
                answer.complete(null);
            } catch (FileNotFoundException e) {
                answer.complete(null);
            } catch (IOException | RuntimeException | LinkageError e) {
                answer.completeExceptionally(e);
            }
        }, "first contact with " + full);
        thread.setDaemon(true);
        thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        thread.start();
        try {
            answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw refusal(place, full, conf, e.getCause());
        } catch (TimeoutException e) {
            throw place.refused("no answer in " + PATIENCE.toSeconds() + " seconds", "one from " + server(full, conf), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while waiting for " + full, e);
        }
    }

    private static RecipeException refusal(Place place, URI uri, Configuration conf, Throwable e) {
        String expected;
        if (e instanceof UnsupportedFileSystemException || isMissingClass(e)) {
            expected = "a file system that this Spark has on its class path; s3a is --packages org.apache.hadoop:hadoop-aws:"
                    + "<Spark's version of Hadoop>";
        } else if (e instanceof AccessDeniedException) {
            expected = "credentials that may read it, by fs.s3a.* or AWS's environment; asked was " + server(uri, conf);
        } else if (e.getClass().getSimpleName().equals("UnknownStoreException")) {
            expected = "a bucket that there is at " + server(uri, conf);
        } else {
            expected = "an answer from " + server(uri, conf);
        }
        return place.refused(reason(e), expected, e);
    }

    private static boolean isMissingClass(Throwable e) {
        return e instanceof LinkageError || e.getCause() instanceof ClassNotFoundException;
    }

    private static String server(URI uri, Configuration conf) {
        if (Scheme.of(uri) != Scheme.S3A) {
            return uri.resolve("/").toString().replaceFirst("/$", "");
        }
        String endpoint = conf.getTrimmed("fs.s3a.bucket." + uri.getHost() + ".endpoint", conf.getTrimmed("fs.s3a.endpoint", ""));
        return endpoint.isEmpty() ? "AWS, as fs.s3a.endpoint is not set" : "fs.s3a.endpoint " + endpoint;
    }

    /** Returns the message of the innermost cause that has one: clients wrap the same sentence repeatedly. */
    private static String reason(Throwable e) {
        String best = e.getClass().getSimpleName();
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t.getMessage() != null && !t.getMessage().isBlank()) {
                String name = t.getClass().getSimpleName();
                String text = t.getMessage().lines().findFirst().orElse("").strip();
                best = name.equals("UnknownHostException") ? "unknown host " + text : text;
            }
        }
        return best;
    }
}
