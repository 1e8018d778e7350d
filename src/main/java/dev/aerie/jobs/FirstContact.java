package dev.aerie.jobs;

import dev.aerie.errors.RefusalException;
import dev.aerie.host.HostModels;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/**
 * Asks every file system that a command is going to use for one of its files, before any work. Hadoop's clients repeat what
 * fails: an S3 at a wrong address for three minutes at each call, a name node that lets a connection hang for fifteen. That is
 * right in the middle of a run and wrong at its start, where the reason is mostly a setting.
 */
final class FirstContact {

    /** For what has no setting below, such as the other name nodes of a cluster with several. */
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

    private FirstContact() {}

    /**
     * @param models targets and drafts; without a scheme they lie on this host, whatever Hadoop's default file system is
     * @param uris paths and URIs of folders, files and globs, which need not be there; local ones are passed over
     * @throws RefusalException in one sentence, if a file system is unknown, silent, or refuses us
     */
    static void require(Configuration conf, List<String> models, List<String> uris) throws IOException {
        List<String> all = new ArrayList<>(uris);
        models.stream().filter(model -> !HostModels.isLocal(model)).forEach(all::add);
        require(conf, all);
    }

    /** The same without a model. */
    static void require(Configuration conf, List<String> uris) throws IOException {
        Configuration impatient = new Configuration(conf);
        IMPATIENT.forEach(setting -> impatient.set(setting[0], setting[1]));
        Set<URI> asked = new HashSet<>();
        for (String uri : uris) {
            Path path = new Path(uri);
            URI full = path.toUri().getScheme() == null ? FileSystem.getDefaultUri(conf) : path.toUri();
            if (!full.getScheme().equals("file") && asked.add(full.resolve("/"))) {
                ask(path, full, impatient);
            }
        }
    }

    private static void ask(Path path, URI full, Configuration conf) throws IOException {
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
            throw refusal(full, conf, e.getCause());
        } catch (TimeoutException e) {
            throw new RefusalException("Invalid place: " + full + ": no answer in " + PATIENCE.toSeconds()
                    + " seconds (expected one from " + server(full, conf) + ")", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while waiting for " + full, e);
        }
    }

    private static RefusalException refusal(URI uri, Configuration conf, Throwable e) {
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
        return new RefusalException("Invalid place: " + uri + ": " + reason(e) + " (expected " + expected + ")", e);
    }

    private static boolean isMissingClass(Throwable e) {
        return e instanceof LinkageError || e.getCause() instanceof ClassNotFoundException;
    }

    private static String server(URI uri, Configuration conf) {
        if (!uri.getScheme().equals("s3a")) {
            return uri.getScheme() + "://" + uri.getAuthority();
        }
        String endpoint = conf.getTrimmed("fs.s3a.bucket." + uri.getHost() + ".endpoint", conf.getTrimmed("fs.s3a.endpoint", ""));
        return endpoint.isEmpty() ? "AWS, as fs.s3a.endpoint is not set" : "fs.s3a.endpoint " + endpoint;
    }

    /** Clients put the same sentence around each other; the innermost that has one says it shortest. */
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
