package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.prepare.TokenFrequencies;
import dev.aerie.store.ConversationEntry;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.testing.TinyProject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversations are added to a store and removed from it through the mains. */
class AppendIT {

    @TempDir
    Path folder;

    private final Configuration conf = new Configuration();
    private TinyProject project;
    private Path store;
    private List<String> recipe;

    @BeforeEach
    void prepare() throws IOException {
        project = TinyProject.in(folder);
        store = folder.resolve("store");
        recipe = List.of("--config", project.recipe().toString());
        assertEquals(0, CommandLines.run(new PrepareHiddenStates(), recipe.toArray(String[]::new)));
    }

    private List<String> with(String... more) {
        List<String> all = new ArrayList<>(recipe);
        all.addAll(List.of(more));
        return all;
    }

    private void append(String... more) {
        List<String> arguments = with(more);
        arguments.add("--append");
        assertEquals(0, CommandLines.run(new PrepareHiddenStates(), arguments.toArray(String[]::new)));
    }

    private static String conversation(String id, String question, String answer) {
        return "{\"id\": \"" + id + "\", \"conversations\": [{\"from\": \"human\", \"value\": \"" + question
                + "\"}, {\"from\": \"gpt\", \"value\": \"" + answer + "\"}]}\n";
    }

    private void say(String... conversations) throws IOException {
        Files.writeString(project.conversations(), String.join("", conversations), StandardOpenOption.APPEND);
    }

    /** Every file of the store with its content and time of change. */
    private Map<String, Object> everyFile() throws IOException {
        Map<String, Object> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(store)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(store.relativize(file).toString(), List.of(Files.getLastModifiedTime(file),
                        new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)));
            }
        }
        return files;
    }

    private HiddenStateStore open() throws IOException {
        return HiddenStateStore.open(store.toString(), conf);
    }

    private static List<String> ids(HiddenStateStore opened, Part part) {
        return opened.conversations(part).map(ConversationEntry::id).sorted().toList();
    }

    @Test
    void whatAStoreLacksIsAddedAsFurtherShards() throws IOException {
        HiddenStateStore first = open();
        Map<String, Object> before = everyFile();
        say(conversation("sum-1", "What is new?", "This is new."), conversation("new-2", "And what else?", "This as well."),
                // One that the store has, under another id, and one twice.
                conversation("old", "What is 2 and 5?", "2 and 5 is 7."), conversation("new-3", "And what else?", "This as well."));
        append();
        HiddenStateStore second = open();
        assertEquals(2, second.generation());
        assertEquals(first.shards(), second.shards().subList(0, first.shards().size()));
        Set<String> added = new HashSet<>(ids(second, Part.TRAIN));
        added.removeAll(ids(first, Part.TRAIN));
        assertEquals(Set.of("sum-1~2", "new-2"), added);
        assertEquals(ids(first, Part.HELD_OUT), ids(second, Part.HELD_OUT));
        assertEquals(first.settings().planned().tokens() + second.shards().subList(first.shards().size(), second.shards().size())
                .stream().mapToLong(s -> s.tokens()).sum(), second.settings().planned().tokens());
        Map<String, Object> after = everyFile();
        before.forEach((name, content) -> assertEquals(content, after.get(name), name));
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", store.toString()));
        try (SparkSession spark = Session.open("append")) {
            long rows = first.settings().planned().conversations();
            assertEquals(rows + 2, spark.read().format("aerie").load(store.toString()).where("source is not null").count());
            assertEquals(rows, spark.read().format("aerie").option("generation", 1).load(store.toString()).count());
        }
        long frequent = Arrays.stream(TokenFrequencies.read(second, conf).counts()).sum();
        assertEquals(Arrays.stream(TokenFrequencies.read(first, conf).counts()).sum()
                + second.shards().subList(first.shards().size(), second.shards().size()).stream()
                        .flatMap(s -> s.conversations().stream()).mapToLong(ConversationEntry::supervised).sum(), frequent);

        // Nothing is new any more.
        Map<String, Object> appended = everyFile();
        append();
        assertEquals(appended.keySet(), everyFile().keySet());
        assertEquals(2, open().generation());

        Refusal.of(new PrepareHiddenStates(), recipe).assertSays("it was changed by append or forget since it was made");
        say(conversation("later", "What comes later?", "That comes later."));
        append();
        assertEquals(3, open().generation());
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", store.toString()));
        assertEquals(0, CommandLines.run(new TrainEagle3(), with("--set", "train.max_steps=2").toArray(String[]::new)));
    }

    @Test
    void otherSettingsAreRefusedByName() throws IOException {
        say(conversation("new", "What is new?", "This is new."));
        Set<String> before = everyFile().keySet();
        Map<String, String> refused = Map.of(
                "store.codec=fp8", "states.codec is bf16 (expected fp8)",
                "store.container=arrow", "states.container is parquet (expected arrow)",
                "store.teacher_rows=all", "states.teacher_rows is strict (expected all)",
                "target.capture_layers=[1,2,4]", "states.capture_layers is [1,3,4] (expected [1,2,4])",
                "target.micro_batch_tokens=64", "target.micro_batch_tokens is 4096 (expected 64)",
                "target.dtype=bfloat16", "target.dtype is F32 (expected BF16)");
        refused.forEach((key, message) -> Refusal.of(new PrepareHiddenStates(), with("--append", "--set", key)).assertSays(message));
        Path template = folder.resolve("template.jinja");
        Files.writeString(template, "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n\\n' }}"
                + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}");
        Refusal.of(new PrepareHiddenStates(), with("--append", "--set", "data.template=" + template))
                .assertSays("fingerprints.template is ");
        Refusal.of(new PrepareHiddenStates(), with("--append", "--set", "store.path=" + folder.resolve("none")))
                .assertSays("it has no store.json");
        Path tokenizer = project.model().resolve("tokenizer.json");
        Files.writeString(tokenizer, Files.readString(tokenizer) + "\n");
        Refusal.of(new PrepareHiddenStates(), with("--append")).assertSays("fingerprints.tokenizer is ");
        Files.createDirectories(store.resolve("_rolling"));
        Refusal.of(new PrepareHiddenStates(), with("--append")).assertSays("it is a rolling one");
        Refusal.of(new Aerie(), List.of("forget", store.toString(), "--id", "sum-1")).assertSays("it is a rolling one");
        Files.delete(store.resolve("_rolling"));
        assertEquals(before, everyFile().keySet());
        assertFalse(Files.exists(store.resolve("generations")));
        assertTrue(HiddenStateStore.openPending(store.toString(), conf).isEmpty());
    }

    /** Bytes that a conversation leaves in files: its id and its text as ids of tokens. */
    private List<String> filesWith(String id, String text) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer tokens = ByteBuffer.allocate(4 * utf8.length).order(ByteOrder.LITTLE_ENDIAN);
        for (byte one : utf8) {
            tokens.putInt(one);
        }
        List<String> found = new ArrayList<>();
        try (Stream<Path> all = Files.walk(store)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                String content = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
                if (content.contains(id) || content.contains(text)
                        || content.contains(new String(tokens.array(), StandardCharsets.ISO_8859_1))) {
                    found.add(store.relativize(file).toString());
                }
            }
        }
        return found;
    }

    @Test
    void whatIsForgottenIsGoneAfterVacuum() throws IOException {
        say(conversation("secret-id", "My secret question", "The secret answer."), conversation("fine", "Something else?", "Yes."));
        append("--set", "store.shard_tokens=60");
        HiddenStateStore second = open();
        assertEquals(0, CommandLines.run(new TrainEagle3(), with("--set", "train.max_steps=1").toArray(String[]::new)));
        Refusal.of(new Aerie(), List.of("forget", store.toString(), "--id", "secret-id", "nobody")).assertSays("Invalid --id: nobody");
        Refusal.of(new Aerie(), List.of("forget", store.toString(), "--where", "id = 'nobody'")).assertSays("Invalid --where: ");
        Refusal.of(new Aerie(), List.of("forget", store.toString(), "--where", "oops oops")).assertSays("Invalid --where: oops oops");
        Refusal.of(new Aerie(), List.of("forget", store.toString())).assertSays("");
        assertEquals(2, open().generation());
        assertFalse(filesWith("secret-id", "secret").isEmpty());

        String out = said(new Aerie(), "forget", store.toString(), "--id", "secret-id", "sum-3");
        assertTrue(out.contains("trained with them: file:" + folder.resolve("train") + " (generation 2, step 1)"), out);
        HiddenStateStore third = open();
        assertEquals(3, third.generation());
        Set<String> gone = new HashSet<>(ids(second, Part.TRAIN));
        gone.addAll(ids(second, Part.HELD_OUT));
        gone.removeAll(ids(third, Part.TRAIN));
        gone.removeAll(ids(third, Part.HELD_OUT));
        assertEquals(Set.of("secret-id", "sum-3"), gone);
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", store.toString()));
        assertEquals(second.conversations(Part.TRAIN).count(), HiddenStateStore.open(store.toString(), conf, 2).conversations(Part.TRAIN)
                .count());
        // A training goes on with the generation that it began with.
        assertEquals(0, CommandLines.run(new TrainEagle3(), with("--set", "train.max_steps=2").toArray(String[]::new)));

        assertEquals(0, CommandLines.run(new Aerie(), "vacuum", store.toString(), "--older-than", "0"));
        assertEquals(List.of(), filesWith("secret-id", "secret"));
        assertEquals(0, CommandLines.run(new Aerie(), "verify-store", store.toString()));
        Refusal.of(new TrainEagle3(), with("--set", "train.max_steps=3"))
                .assertSays("generation 2 held conversations that were removed for good");
        long supervised = third.conversations(Part.TRAIN).mapToLong(ConversationEntry::supervised).sum();
        assertEquals(supervised, Arrays.stream(TokenFrequencies.read(third, conf).counts()).sum());

        // An append does not bring them back.
        say(conversation("last", "What is last?", "This is."));
        append();
        HiddenStateStore fourth = open();
        assertEquals(4, fourth.generation());
        assertEquals(List.of(), filesWith("secret-id", "secret"));
        assertEquals(third.conversations(Part.TRAIN).count() + 1, fourth.conversations(Part.TRAIN).count());
        assertEquals(0, CommandLines.run(new TrainEagle3(),
                with("--set", "train.max_steps=1", "--set", "train.output=" + folder.resolve("again")).toArray(String[]::new)));
    }

    private static String said(Callable<Integer> command, String... arguments) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, CommandLines.run(command, arguments));
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
