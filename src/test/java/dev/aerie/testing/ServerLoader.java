package dev.aerie.testing;

import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Loads a server from a jar that the build has put into target/test-servers, apart from everything that the tests load: such
 * servers bring versions of the AWS SDK, of Jetty and of loggers that Spark cannot run with.
 */
final class ServerLoader {

    private final URLClassLoader classes;

    private ServerLoader(URLClassLoader classes) {
        this.classes = classes;
    }

    /** @param beside class path entries that the jar does not hold itself */
    static ServerLoader of(String jar, List<URL> beside) throws MalformedURLException {
        Path file = Path.of("target", "test-servers", jar).toAbsolutePath();
        if (!Files.exists(file)) {
            throw new IllegalStateException("Missing " + file + " (expected where the build's execution test-servers copies it)");
        }
        List<URL> urls = new ArrayList<>(beside);
        urls.add(file.toUri().toURL());
        return new ServerLoader(new URLClassLoader(jar, urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader()));
    }

    Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName(name, true, classes);
    }

    /** Does something whose libraries look for their own classes through the thread. */
    <T> T inside(Callable<T> work) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(classes);
        try {
            return work.call();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
