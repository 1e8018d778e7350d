package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.host.CountedFileSystem;
import dev.aerie.prepare.TokensTable;
import dev.aerie.testing.LocalSpark;
import dev.aerie.testing.TinyProject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TimeZone;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What one run of a stage decided holds for the next run and for the next stage, through the mains. */
@Timeout(300)
class StagesAgreeIT {

    private static final String DATED = """
            {{ '<|im_start|>system\\nToday is ' + strftime_now('%d %B %Y') + '.<|im_end|>\\n' }}{% for m in messages %}\
            {{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}\
            {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""";

    private final TimeZone zone = TimeZone.getDefault();

    @TempDir
    Path folder;

    private TinyProject project;

    @BeforeEach
    void make() throws IOException {
        project = TinyProject.in(folder);
        System.setProperty("spark.hadoop.fs.counted.impl", CountedFileSystem.class.getName());
    }

    @AfterEach
    void restore() {
        TimeZone.setDefault(zone);
        System.clearProperty("spark.hadoop.fs.counted.impl");
    }

    private int run(Callable<Integer> job, String... sets) {
        CountedFileSystem.register(LocalSpark.session().sparkContext().hadoopConfiguration());
        return CommandLines.run(job, arguments(sets).toArray(String[]::new));
    }

    private List<String> arguments(String... sets) {
        List<String> arguments = new ArrayList<>(List.of("--config", project.recipe().toString()));
        Arrays.stream(sets).forEach(set -> arguments.addAll(List.of("--set", set)));
        return arguments;
    }

    /** The text of every conversation that the store was made of; the tokenizer's tokens are bytes, and two markers. */
    private List<String> texts() throws IOException {
        return TokensTable.read(LocalSpark.session(), folder.resolve("store").toString()).collectAsList().stream()
                .map(row -> {
                    List<Integer> ids = row.getList(row.fieldIndex("input_ids"));
                    byte[] bytes = new byte[ids.size()];
                    for (int i = 0; i < bytes.length; i++) {
                        bytes[i] = (byte) Math.min(ids.get(i), 127);
                    }
                    return new String(bytes, StandardCharsets.ISO_8859_1);
                }).toList();
    }

    private void remove(String... names) throws IOException {
        for (String name : names) {
            try (Stream<Path> files = Files.walk(folder.resolve("store").resolve(name))) {
                for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private String shards() throws IOException {
        String manifest = Files.readString(folder.resolve("store/_manifest.json"));
        return java.util.regex.Pattern.compile("\"sha256\" *: *\"\\w+\"").matcher(manifest).results()
                .map(java.util.regex.MatchResult::group).collect(Collectors.joining(" "));
    }

    /** The store was created on a day of 2020; it is resumed today, in time zones whose dates differ. */
    @Test
    void theDateOfAStoreIsKept() throws IOException {
        String template = "data.template=" + Files.writeString(folder.resolve("dated.jinja"), DATED);
        assertEquals(0, run(new PrepareHiddenStates(), template, "data.date=2020-02-03"));
        assertTrue(texts().stream().allMatch(text -> text.contains("Today is 03 February 2020.")), texts()::toString);
        String made = shards();
        byte[] identity = Files.readAllBytes(folder.resolve("store/store.json"));
        for (String other : List.of("Pacific/Kiritimati", "Pacific/Pago_Pago")) {
            TimeZone.setDefault(TimeZone.getTimeZone(other));
            // As if the first run had been stopped.
            remove("_manifest.json", "_committed/shard-00000.json", "tokens", "vocabulary.json");
            assertEquals(0, run(new PrepareHiddenStates(), template), other);
            assertEquals(made, shards(), other);
            assertTrue(texts().stream().allMatch(text -> text.contains("Today is 03 February 2020.")), texts()::toString);
        }
        assertEquals(new String(identity), Files.readString(folder.resolve("store/store.json")));
        assertEquals(0, run(new TrainEagle3(), template, "train.max_steps=1"));
        Refusal.of(new PrepareHiddenStates(), arguments(template, "data.date=2020-02-04")).assertSays("fingerprints.");
    }

    /** A template may be on any file system; executors need no access to it, and another stage reads the same one. */
    @Test
    void theTemplateIsFoundByItsUri() throws IOException {
        Path template = Files.writeString(Files.createDirectories(folder.resolve("templates")).resolve("other.jinja"),
                DATED.replace("Today is ' + strftime_now('%d %B %Y') + '", "Be brief"));
        String counted = "data.template=" + CountedFileSystem.uri(template);
        assertEquals(0, run(new PrepareHiddenStates(), counted));
        assertTrue(texts().stream().allMatch(text -> text.contains("system\nBe brief.")), texts()::toString);
        assertEquals(List.of("other.jinja"), CountedFileSystem.opened(template.getParent()));
        assertEquals(0, run(new TrainEagle3(), "data.template=" + template.toUri(), "train.max_steps=1"));
        Refusal.of(new TrainEagle3(), arguments("train.output=" + folder.resolve("train-2"))).assertSays("fingerprints.template");
        Refusal.of(new PrepareHiddenStates(), arguments(counted + ".none")).assertSays("data.template");
    }

    /** Tables of another run's conversations beside the store's states would give the draft another vocabulary. */
    @Test
    void trainingRefusesAVocabularyOfOtherInputs() throws IOException {
        assertEquals(0, run(new PrepareHiddenStates()));
        Path vocabulary = folder.resolve("store/vocabulary.json");
        String made = Files.readString(vocabulary);
        String other = made.replaceFirst("\"inputs\":\"\\w+\"", "\"inputs\":\"" + "0".repeat(64) + "\"");
        assertNotEquals(made, other);
        Files.writeString(vocabulary, other);
        Refusal.of(new TrainEagle3(), arguments()).assertSays("vocabulary.json was made from inputs");
        assertTrue(Files.notExists(folder.resolve("train/checkpoints")));
        assertEquals(0, run(new PrepareHiddenStates()));
        assertEquals(made, Files.readString(vocabulary));
    }

    /** Answers of one token, which only a training in SpecForge's mode learns from. */
    @Test
    void trainingRefusesAStoreWithoutALossRow() throws IOException {
        StringBuilder answers = new StringBuilder();
        for (int i = 0; i < 9; i++) {
            answers.append("{\"text\": \"<|im_start|>user\\n").append(i)
                    .append("?<|im_end|>\\n<|im_start|>assistant\\nx<|im_end|>\\n\"}\n");
        }
        Files.writeString(project.conversations(), answers);
        String end = "data.end_of_turn=x";
        String all = "store.teacher_rows=all";
        assertEquals(0, run(new PrepareHiddenStates(), end, all, "data.held_out.count=0", "train.mode=specforge"));
        Refusal.of(new TrainEagle3(), arguments(end, all)).assertSays("none of the 9 conversations to train on carries loss");
        assertTrue(Files.notExists(folder.resolve("train/checkpoints")));
        assertEquals(0, run(new TrainEagle3(), end, all, "train.mode=specforge", "train.max_steps=1"));
    }
}
