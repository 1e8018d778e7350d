package dev.aerie.bench.kills;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;

/** A job that goes on where it stopped, so that it may be killed at any moment. */
public interface KillSubject {

    /** Writes what all runs read. */
    void prepare(Path inputs) throws IOException;

    /** Returns main class and arguments of a run whose results belong into a folder, whether it begins or goes on. */
    List<String> command(Path inputs, Path output);

    /** Whether a run has begun to write its result; before, it reads and plans. */
    boolean writing(Path output);

    /** Says in a few words how far a run has come, for the log; also while one is killed. */
    String progress(Path output) throws IOException;

    /**
     * Returns what a complete run has left, by name: values that every run must have alike, whatever happened to it.
     *
     * @throws IllegalStateException if something of it is lost, twice or damaged
     */
    SortedMap<String, String> result(Path output) throws IOException;
}
