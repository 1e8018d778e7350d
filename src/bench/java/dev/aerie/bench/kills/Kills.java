package dev.aerie.bench.kills;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Kills executors and drivers of a job at random moments, starts it again where it stopped, and compares each of its results
 * with an undisturbed run's.
 *
 * <p>Half of the moments are drawn evenly over the length of a whole run, from the start of the driver's JVM to its end, half
 * over the time from when it begins to write its result, which is short: reading, cleaning, tokenising, capturing and committing
 * are all hit. A moment that comes when the run has ended hits nothing, is not counted, and another is drawn. An executor's
 * successor may be hit as well.
 */
public final class Kills {

    private static final int EXECUTORS = 2;
    /** Kills of executors that one run has to bear, at most; Spark gives a task up after its fourth death. */
    private static final int EXECUTORS_A_RUN = 4;

    private final KillSubject subject;
    private final Path folder;
    private final PrintStream out;
    private final Random random;
    private final List<Driver> drivers = new ArrayList<>();
    private int executorsLeft;
    private int driversLeft;
    private double seconds = Double.MAX_VALUE;
    private double writingSeconds;
    private int stores;
    private int retries;

    public Kills(KillSubject subject, Path folder, long seed, PrintStream out) {
        this.subject = subject;
        this.folder = folder;
        this.random = new Random(seed);
        this.out = out;
        out.println("seed " + seed);
    }

    /** @param arguments prepare, the target's folder, kills of executors, kills of drivers, and the seed or nothing */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 4 || !arguments[0].equals("prepare")) {
            throw new IllegalArgumentException("Invalid subject: " + List.of(arguments) + " (expected prepare)");
        }
        Path folder = Files.createTempDirectory("aerie-kills");
        long seed = arguments.length > 4 ? Long.parseLong(arguments[4]) : new Random().nextLong();
        Kills kills = new Kills(new PrepareSubject(Path.of(arguments[1])), folder, seed, System.out);
        boolean same = kills.run(Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
        if (same) {
            delete(folder);
        } else {
            System.out.println("kept: " + folder);
        }
        System.exit(same ? 0 : 1);
    }

    /** @return whether each result equals the undisturbed run's */
    public boolean run(int executors, int drivers) throws IOException, InterruptedException {
        try {
            return all(executors, drivers);
        } finally {
            this.drivers.forEach(Driver::close);
        }
    }

    private boolean all(int executors, int drivers) throws IOException, InterruptedException {
        executorsLeft = executors;
        driversLeft = drivers;
        Path inputs = Files.createDirectories(folder.resolve("inputs"));
        subject.prepare(inputs);
        Path undisturbed = folder.resolve("undisturbed");
        try (Driver driver = start(inputs, undisturbed)) {
            require(ends(driver, undisturbed), "the undisturbed run failed", undisturbed);
        }
        SortedMap<String, String> expected = subject.result(undisturbed);
        say("undisturbed: %.1f s, the last %.1f s of them writing; %d values compared", seconds, writingSeconds, expected.size());
        boolean same = true;
        while (executorsLeft + driversLeft > 0) {
            Path output = folder.resolve("killed-" + ++stores);
            disturbed(inputs, output);
            same &= compare(output, expected);
            delete(output);
        }
        say("%d executors and %d drivers killed, %d failed runs started again: %d of %d results equal the undisturbed run's",
                executors, drivers, retries, same ? stores : 0, stores);
        return same;
    }

    /** Waits for the end of a run; if it was alone until then, its length tells where moments fall. */
    private boolean ends(Driver driver, Path output) throws InterruptedException {
        double began = subject.writing(output) ? -1 : 0;
        while (driver.alive()) {
            Thread.sleep(5);
            began = began == 0 && subject.writing(output) ? driver.seconds() : began;
        }
        boolean well = driver.await() == 0;
        if (well && began > 0 && driver.seconds() < seconds) {
            seconds = driver.seconds();
            writingSeconds = seconds - began;
        }
        return well;
    }

    /** A moment of a run. */
    private record Moment(boolean writing, double after) {}

    private Moment moment(boolean resumed) {
        // One that goes on has begun to write already.
        boolean writing = random.nextBoolean() && !resumed;
        return new Moment(writing, random.nextDouble() * (writing ? writingSeconds : seconds));
    }

    /** @return when the run began to write, if the moment counts from there */
    private double await(Moment moment, Driver driver, Path output, double began) throws InterruptedException {
        while (moment.writing() && driver.alive() && !subject.writing(output)) {
            Thread.sleep(5);
        }
        double from = !moment.writing() ? 0 : began > 0 ? began : driver.seconds();
        while (driver.alive() && driver.seconds() - from < moment.after()) {
            Thread.sleep(5);
        }
        return from;
    }

    /** Runs until one run ends by itself and well. */
    private void disturbed(Path inputs, Path output) throws IOException, InterruptedException {
        for (int run = 1; ; run++) {
            boolean driverToo = driversLeft > 0 && random.nextInt(executorsLeft + driversLeft) < driversLeft;
            int some = Math.min(executorsLeft, 1 + random.nextInt(EXECUTORS_A_RUN));
            boolean resumed = subject.writing(output);
            List<Moment> moments = Stream.generate(() -> moment(resumed)).limit(driverToo ? 1 : some)
                    .sorted(Comparator.comparing(Moment::writing).thenComparing(Moment::after)).toList();
            Driver driver = start(inputs, output);
            double began = 0;
            for (Moment moment : moments) {
                began = await(moment, driver, output, began);
                if (driver.alive()) {
                    kill(driver, driverToo, output, run);
                }
            }
            if (ends(driver, output)) {
                driver.close();
                return;
            }
            // A job whose task died too often fails, and is started again as a user or Airflow would.
            retries += driverToo ? 0 : 1;
            require(run < 50, "no run ended well", output);
        }
    }

    private void kill(Driver driver, boolean whole, Path output, int run) throws IOException, InterruptedException {
        List<ProcessHandle> executors = driver.executors();
        if (whole) {
            driver.kill();
            driversLeft--;
        } else if (!executors.isEmpty()) {
            executors.get(random.nextInt(executors.size())).destroyForcibly();
            executorsLeft--;
        } else {
            return;
        }
        say("result %d, run %d: %s killed after %.2f s (%s); %d executors, %d drivers to go", stores, run,
                whole ? "driver" : "executor", driver.seconds(), subject.progress(output), executorsLeft, driversLeft);
    }

    private boolean compare(Path output, SortedMap<String, String> expected) throws IOException {
        SortedMap<String, String> found;
        try {
            found = subject.result(output);
        } catch (IllegalStateException e) {
            say("result %d: %s", stores, e.getMessage());
            return false;
        }
        List<String> different = new ArrayList<>();
        SortedMap<String, String> names = new TreeMap<>(expected);
        names.putAll(found);
        for (String name : names.keySet()) {
            if (!String.valueOf(expected.get(name)).equals(found.get(name))) {
                different.add(name + " is " + found.get(name) + " (expected " + expected.get(name) + ")");
            }
        }
        say("result %d: %s", stores,
                different.isEmpty() ? "nothing lost, nothing twice, every byte the same" : "DIFFERENT: " + different);
        return different.isEmpty();
    }

    private Driver start(Path inputs, Path output) throws IOException {
        Files.createDirectories(output);
        Driver driver = Driver.start(
                EXECUTORS, subject.command(inputs, output), output, log(output), Map.of());
        drivers.add(driver);
        return driver;
    }

    private static File log(Path output) {
        return output.resolve("log").toFile();
    }

    private void require(boolean well, String what, Path output) throws IOException {
        if (!well) {
            List<String> lines = Files.readAllLines(log(output).toPath());
            List<String> last = lines.subList(Math.max(0, lines.size() - 40), lines.size());
            throw new IllegalStateException(what + ":\n" + String.join("\n", last));
        }
    }

    private void say(String format, Object... values) {
        out.printf(Locale.ROOT, format + "%n", values);
        out.flush();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (UncheckedIOException | NoSuchFileException | DirectoryNotEmptyException busy) {
            // An executor of a killed driver is still at work; the temporary folder is the system's to clean.
            return;
        }
    }
}
