package dev.aerie.testing;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Stops the shared session and file systems after the last test. Left to the hooks of the ending JVM, the Workers of a local
 * cluster go on starting executors, dozens of them, while others of its parts are already gone.
 */
public final class StopServers implements LauncherSessionListener {

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        TestSpark.stop();
        RemoteFiles.stop();
    }
}
