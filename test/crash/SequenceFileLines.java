import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Reads SequenceFiles with Hadoop: their paths come in, one a line; for each a line of JSON goes
 * out, with the values as `lines` and what is wrong with the file, if anything is, as `problem`.
 */
public class SequenceFileLines {
  private static final Configuration configuration = new Configuration();

  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String path = in.readLine(); path != null; path = in.readLine()) {
      List<String> lines = new ArrayList<>();
      String problem = null;
      try {
        read(path, lines);
      } catch (Exception | LinkageError thrown) {
        problem = thrown.toString();
      }
      System.out.println(json(lines, problem));
    }
  }

  private static void read(String path, List<String> lines) throws Exception {
    Path file = new Path("file://" + path);
    long size = file.getFileSystem(configuration).getFileStatus(file).getLen();
    try (SequenceFile.Reader reader =
        new SequenceFile.Reader(configuration, SequenceFile.Reader.file(file))) {
      LongWritable key = new LongWritable();
      Writable value =
          (Writable) ReflectionUtils.newInstance(reader.getValueClass(), configuration);
      // A block that is cut off is the end of the file, for Hadoop; not where it began.
      long end = reader.getPosition();
      while (reader.next(key)) {
        reader.getCurrentValue(value);
        lines.add(textOf(value));
        end = reader.getPosition();
      }
      if (end != size) throw new IOException("its last whole block ends at " + end + " of " + size);
    }
  }

  private static String textOf(Writable value) {
    if (value instanceof Text text) {
      return new String(text.getBytes(), 0, text.getLength(), StandardCharsets.ISO_8859_1);
    }
    return new String(((BytesWritable) value).copyBytes(), StandardCharsets.ISO_8859_1);
  }

  private static String json(List<String> lines, String problem) {
    StringBuilder json = new StringBuilder("{\"lines\":[");
    for (int index = 0; index < lines.size(); index++) {
      if (index > 0) json.append(',');
      quote(lines.get(index), json);
    }
    json.append(']');
    if (problem != null) quote(problem, json.append(",\"problem\":"));
    return json.append('}').toString();
  }

  private static void quote(String text, StringBuilder json) {
    json.append('"');
    for (char each : text.toCharArray()) {
      if (each >= ' ' && each < 127 && each != '"' && each != '\\') json.append(each);
      else json.append(String.format("\\u%04x", (int) each));
    }
    json.append('"');
  }
}
