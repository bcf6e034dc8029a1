import type { Finding } from "./egress.ts";

type Effect = Exclude<Finding["effect"], "refuse" | "note">;

export interface RuleInfo {
  zh: string;
  en: string;
  /** What the rule may do to a result. */
  effects: readonly Effect[];
}

/** Every rule that can speak in the facts of a result. The closed list: facts and cases name no other. */
export const RULES: Readonly<Record<string, RuleInfo>> = {
  G2: { zh: "语句形式不在安全形式之内", en: "The form of the statement is not the safe one", effects: ["review"] },
  R1: { zh: "单元内主体数不足", en: "Too few subjects in a cell", effects: ["suppress"] },
  R2: { zh: "贡献主体数不足", en: "Too few subjects contribute", effects: ["suppress"] },
  R3: { zh: "仅少数主体与众不同", en: "Only few subjects differ from the mode", effects: ["suppress", "block"] },
  R4: { zh: "比例的分子、分母或余项过小", en: "Numerator, denominator or complement is small", effects: ["suppress"] },
  R5: { zh: "p% 规则", en: "p % rule", effects: ["suppress"] },
  R6: { zh: "一两个主体占主导", en: "One or two subjects dominate", effects: ["suppress", "review"] },
  R7: { zh: "群体披露", en: "A group is disclosed", effects: ["suppress", "review", "block"] },
  R8: { zh: "敏感类别中的抽样零", en: "Sampling zeros in sensitive classes", effects: ["suppress", "review"] },
  R10: { zh: "分位数", en: "Quantiles", effects: ["suppress", "review", "transform"] },
  R11: { zh: "方差类统计量", en: "Variance family", effects: ["suppress"] },
  R12: { zh: "回归与模型", en: "Regression and models", effects: ["suppress", "review", "block"] },
  R13: { zh: "生存与风险", en: "Survival and hazard", effects: ["suppress"] },
  R14: { zh: "集中度指标", en: "Concentration", effects: ["suppress", "review"] },
  R16: { zh: "取整", en: "Rounding", effects: ["transform"] },
  R17: { zh: "补充抑制", en: "Complementary suppression", effects: ["suppress", "review", "block"] },
  R18: { zh: "与已发布结果的差分", en: "Differencing against what was released", effects: ["block", "review"] },
  R19: { zh: "条件拆分检验", en: "Predicate split test", effects: ["block"] },
  R20: { zh: "稀疏表", en: "Sparse tables", effects: ["review"] },
  R21: { zh: "重构预算", en: "Reconstruction budget", effects: ["review", "block"] },
  R22: { zh: "图表以规格和核验表出域", en: "Figures leave as specification and checked table", effects: ["transform"] },
  R25: { zh: "内容扫描", en: "Content scan", effects: ["block", "review"] },
  R27: { zh: "源数据复制", en: "Copy of a source", effects: ["block"] },
  R28: { zh: "分级上限", en: "Ceiling of grades", effects: ["block"] },
  R29: { zh: "跨提供单位关联", en: "Joins across providers", effects: ["block", "review"] },
};

export function isRule(id: string): boolean {
  return Object.hasOwn(RULES, id);
}
