package dev.aerie.jobs;

import dev.aerie.draft.LossMode;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.Residency;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * The YAML file that drives all three jobs, checked against {@link RecipeKeys} as a whole when it is read: an unknown key or a
 * value of the wrong type is refused before any work, also in the sections that this job does not use.
 */
public final class Recipe {

    private static final LoadSettings YAML =
            LoadSettings.builder().setSchema(new CoreSchema()).setAllowDuplicateKeys(false).build();

    /** What begins the names of the keys in messages: nothing, or where the element of a list of sections stands. */
    private final String prefix;

    private final List<RecipeKey<?>> keys;

    /** Every key's value by its path, null where it is unset. */
    private final Map<String, Object> values;

    /** Paths of the keys that somebody wrote; the others have their defaults. */
    private final Set<String> given;

    Recipe(String prefix, List<RecipeKey<?>> keys, Map<String, Object> values, Set<String> given) {
        this.prefix = prefix;
        this.keys = keys;
        this.values = values;
        this.given = given;
    }

    /**
     * Reads a recipe.
     *
     * @param overrides {@code section.key=value} as {@link SetOption} reads them; they win over the file and are checked like it
     * @throws RecipeException with one sentence for the user
     */
    public static Recipe read(Path file, List<String> overrides) {
        String text;
        if (Files.isDirectory(file)) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a file, it is a folder)");
        }
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a file, there is none)");
        } catch (CharacterCodingException e) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a file in UTF-8)");
        } catch (AccessDeniedException e) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a file that may be read, permission is denied)");
        } catch (IOException e) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a file that can be read: " + e.getMessage() + ")");
        }
        return parse(file.toString(), text, overrides);
    }

    static Recipe parse(String name, String yaml, List<String> overrides) {
        Object tree = load(name, yaml);
        if (tree != null && !(tree instanceof Map)) {
            throw new RecipeException("Invalid recipe: " + name + " (expected sections with keys, as in docs/recipe.md)");
        }
        Map<String, Object> written = new LinkedHashMap<>();
        flatten("", tree == null ? Map.of() : (Map<?, ?>) tree, written);
        overrides.forEach(override -> SetOption.parse(override).applyTo(written));
        written.values().removeIf(value -> value == null);
        Map<String, Object> values = new LinkedHashMap<>();
        for (RecipeKey<?> key : RecipeKeys.ALL) {
            Object value = written.get(key.path());
            boolean replaced = key.rival() != null && written.containsKey(key.rival().path());
            values.put(key.path(), value != null ? key.type().read(key.path(), value) : replaced ? null : key.defaultValue());
        }
        Recipe recipe = new Recipe("", RecipeKeys.ALL, values, Set.copyOf(written.keySet()));
        recipe.refuseContradictions();
        return recipe;
    }

    /** Whichever job reads it: a training that cannot start is better found before the store is made. */
    private void refuseContradictions() {
        for (RecipeKey<?> key : keys) {
            if (key.rival() != null && key.isSet(this) && key.rival().isSet(this)) {
                throw contradiction(key.rival(), "only one of it and " + key.path());
            }
        }
        if (RecipeKeys.DATA_INPUTS.isSet(this)) {
            RecipeKeys.DATA_INPUTS.of(this).forEach(Recipe::refuseUnclearOrigin);
        }
        if (RecipeKeys.TRAIN_MODE.of(this) == LossMode.SPECFORGE
                && RecipeKeys.STORE_TEACHER_ROWS.of(this) == TeacherRows.STRICT) {
            throw contradiction(RecipeKeys.STORE_TEACHER_ROWS, "all, which " + RecipeKeys.TRAIN_MODE.path() + " specforge needs");
        }
        Residency.Mode residency = RecipeKeys.TARGET_RESIDENCY.of(this);
        if (RecipeKeys.TARGET_WEIGHT_MEMORY.isSet(this) && residency != Residency.Mode.AUTO) {
            throw contradiction(RecipeKeys.TARGET_WEIGHT_MEMORY,
                    "unset, as " + RecipeKeys.TARGET_RESIDENCY.path() + " is " + residency.text() + " and not auto");
        }
    }

    /** Of an element of data.inputs. */
    private static void refuseUnclearOrigin(Recipe input) {
        List<RecipeKey<?>> given = Stream.of(RecipeKeys.INPUT_PATH, RecipeKeys.INPUT_TABLE, RecipeKeys.INPUT_QUERY)
                .filter(key -> key.isSet(input)).<RecipeKey<?>>map(key -> key).toList();
        if (given.isEmpty()) {
            throw RecipeException.missing(input.name(RecipeKeys.INPUT_PATH),
                    RecipeKeys.INPUT_PATH.type().expected() + ", or else table or query");
        }
        if (given.size() > 1) {
            throw input.contradiction(given.get(1), "only one of path, table and query");
        }
        if (RecipeKeys.INPUT_COLUMNS.isSet(input) && RecipeKeys.INPUT_PATH.isSet(input)) {
            throw input.contradiction(RecipeKeys.INPUT_COLUMNS, "unset for a path: the fields of its records have the names of "
                    + "their format");
        }
    }

    /** @param name of what is read, for messages */
    static Object load(String name, String yaml) {
        try {
            return new Load(YAML).loadFromString(yaml);
        } catch (MarkedYamlEngineException e) {
            String line = e.getProblemMark().map(m -> ", line " + (m.getLine() + 1)).orElse("");
            throw new RecipeException("Invalid recipe: " + name + line + " is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            String problem = e.getMessage().lines().findFirst().orElse("");
            throw new RecipeException("Invalid recipe: " + name + " is not YAML: " + problem);
        }
    }

    private static void flatten(String prefix, Map<?, ?> section, Map<String, Object> into) {
        section.forEach((name, value) -> {
            String key = prefix + name;
            if (String.valueOf(name).contains(".")) {
                // Else one key could be given twice, here and in its section.
                throw new RecipeException("Invalid recipe key " + key + ": a dot in its name (expected a section with keys)");
            }
            if (RecipeKeys.isSection(key)) {
                if (value != null && !(value instanceof Map)) {
                    throw RecipeException.invalid(key, value, "a section with keys");
                }
                flatten(key + ".", value == null ? Map.of() : (Map<?, ?>) value, into);
            } else {
                RecipeKeys.find(key);
                into.put(key, value);
            }
        });
    }

    /** Returns the value as its type gives it, null where it is unset; {@link RecipeKey#of} is how to read one. */
    Object value(RecipeKey<?> key) {
        if (!values.containsKey(key.path())) {
            throw new IllegalStateException("no recipe key " + name(key));
        }
        return values.get(key.path());
    }

    /** Returns the key as messages name it: with its place in a list, where it stands in one. */
    String name(RecipeKey<?> key) {
        return prefix + key.path();
    }

    /** Returns a value that is right by itself and wrong with others. */
    public RecipeException contradiction(RecipeKey<?> key, String expected) {
        Object value = yaml(key);
        return given.contains(key.path()) || value == null
                ? RecipeException.invalid(name(key), value, expected)
                : RecipeException.invalidDefault(name(key), value, expected);
    }

    /** The values of the keys that decide something, by path, as text: what a run must agree with that goes on with another's. */
    SortedMap<String, String> deciding(Decides what) {
        SortedMap<String, String> deciding = new TreeMap<>();
        for (RecipeKey<?> key : keys) {
            if (key.decides() == what && key.isSet(this)) {
                deciding.put(key.path(), String.valueOf(yaml(key)));
            }
        }
        return deciding;
    }

    private Object yaml(RecipeKey<?> key) {
        Object value = value(key);
        return value == null ? null : yaml(key.type(), value);
    }

    @SuppressWarnings("unchecked")
    private static <V> Object yaml(ValueType<V> type, Object value) {
        return type.yaml((V) value);
    }

    /** Returns the whole recipe as it is in effect, defaults included, as YAML that {@link #read} takes. */
    public String effective() {
        DumpSettings settings = DumpSettings.builder()
                .setSchema(new CoreSchema()).setDefaultFlowStyle(FlowStyle.BLOCK).setWidth(10_000).setSplitLines(false).build();
        return new Dump(settings).dumpToString(tree());
    }

    /** Returns what is set, as YAML's maps and lists. */
    Map<String, Object> tree() {
        Map<String, Object> tree = new LinkedHashMap<>();
        for (RecipeKey<?> key : keys) {
            if (key.isSet(this)) {
                put(tree, key.path(), yaml(key));
            }
        }
        return tree;
    }

    @SuppressWarnings("unchecked")
    private static void put(Map<String, Object> tree, String key, Object value) {
        int dot = key.indexOf('.');
        if (dot < 0) {
            tree.put(key, value);
        } else {
            Map<String, Object> section =
                    (Map<String, Object>) tree.computeIfAbsent(key.substring(0, dot), k -> new LinkedHashMap<String, Object>());
            put(section, key.substring(dot + 1), value);
        }
    }

    /** 1000000 and not 1.0E6, 0.5 as it is. */
    static String plain(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15 ? Long.toString((long) number) : Double.toString(number);
    }
}
